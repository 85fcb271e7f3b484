// The one buffer in which every plan of a device keeps its intermediates. Plans may share it because they run one after the other on the
// queue and leave nothing in it; it grows to the largest plan, and `generation` tells plans that it was replaced.
import { DeviceError } from '../../errors.js'
import type { BufferMaker } from './memory.js'

export class Arena {
  readonly #create: BufferMaker
  readonly #release: (buffer: GPUBuffer) => void
  readonly #limit: number
  #buffer: GPUBuffer | null = null
  #generation = 0

  constructor(create: BufferMaker, release: (buffer: GPUBuffer) => void, limit: number) {
    this.#create = create
    this.#release = release
    this.#limit = limit
  }

  reserve(bytes: number): void {
    if (this.#buffer !== null && this.#buffer.size >= bytes) return
    if (bytes > this.#limit)
      throw new DeviceError(`webgpu: a plan's intermediates must fit one buffer of ${this.#limit} bytes, got ${bytes}; use a smaller batch or checkpoint() the layers`, 'memory')
    if (this.#buffer !== null) this.#release(this.#buffer)
    this.#buffer = this.#create(Math.ceil(Math.max(bytes, 65536) / 65536) * 65536, 'arena')
    this.#generation++
  }

  get buffer(): GPUBuffer {
    if (this.#buffer === null) throw new DeviceError('webgpu: the arena must be reserved before use')
    return this.#buffer
  }

  get generation(): number {
    return this.#generation
  }
}
