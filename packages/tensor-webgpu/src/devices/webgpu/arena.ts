// The buffers in which every plan of a device keeps its intermediates, block by block. Plans may share them because they run one after the other
// on the queue and leave nothing behind; each grows to the largest block of its number, and `generation` tells plans that one was replaced.
import { DeviceError } from '../../errors.js'
import type { BufferMaker } from './memory.js'

const STEP = 65536

export class Arena {
  readonly #create: BufferMaker
  readonly #release: (buffer: GPUBuffer) => void
  readonly #limit: number
  readonly #buffers: GPUBuffer[] = []
  #generation = 0

  constructor(create: BufferMaker, release: (buffer: GPUBuffer) => void, limit: number) {
    this.#create = create
    this.#release = release
    this.#limit = limit
  }

  /** Makes room for a plan with blocks of these sizes. */
  reserve(blocks: readonly number[]): void {
    const largest = Math.max(0, ...blocks)
    if (largest > this.#limit)
      throw new DeviceError(`webgpu: an intermediate of a plan must fit one buffer of ${this.#limit} bytes, got ${largest}; use a smaller batch or split the tensor`, 'memory')
    blocks.forEach((bytes, i) => {
      const known = this.#buffers.at(i)
      if (known !== undefined && known.size >= bytes) return
      if (known !== undefined) this.#release(known)
      this.#buffers[i] = this.#create(Math.min(this.#limit, Math.ceil(Math.max(bytes, STEP) / STEP) * STEP), `arena ${i}`)
      this.#generation++
    })
  }

  block(i: number): GPUBuffer {
    const buffer = this.#buffers.at(i)
    if (buffer === undefined) throw new DeviceError('webgpu: the arena must be reserved before use')
    return buffer
  }

  get generation(): number {
    return this.#generation
  }
}
