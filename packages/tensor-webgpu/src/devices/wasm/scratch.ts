// A piece of device memory that many runs use in turn and whose contents nobody keeps: it only ever grows to the largest need.
import { align64 } from './control.js'
import type { LinearMemory } from './linear-memory.js'

export class Scratch {
  readonly #memory: LinearMemory
  readonly #what: string
  #bytes = 0
  start = 0

  constructor(memory: LinearMemory, what: string) {
    this.#memory = memory
    this.#what = what
  }

  reserve(bytes: number): void {
    if (bytes <= this.#bytes) return
    if (this.#bytes > 0) this.#memory.free(this.start)
    this.#bytes = 0
    this.start = this.#memory.allocate(align64(bytes), this.#what)
    this.#bytes = align64(bytes)
  }
}
