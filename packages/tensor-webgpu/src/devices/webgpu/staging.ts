// The way back to the host: mappable buffers in sizes of powers of two, reused, so that reading a loss every step creates none.

const LEAST_BYTES = 256
/** A staging buffer above this is destroyed after use rather than kept. */
const KEPT_BYTES = 64 << 20

export class StagingRing {
  readonly #create: (bytes: number) => GPUBuffer
  readonly #release: (buffer: GPUBuffer) => void
  readonly #limit: number
  readonly #idle = new Map<number, GPUBuffer[]>()

  constructor(create: (bytes: number) => GPUBuffer, release: (buffer: GPUBuffer) => void, limit: number) {
    this.#create = create
    this.#release = release
    this.#limit = limit
  }

  #sizeFor(bytes: number): number {
    return Math.max(bytes, Math.min(this.#limit, 2 ** Math.ceil(Math.log2(Math.max(LEAST_BYTES, bytes)))))
  }

  take(bytes: number): GPUBuffer {
    const size = this.#sizeFor(bytes)
    return this.#idle.get(size)?.pop() ?? this.#create(size)
  }

  give(buffer: GPUBuffer): void {
    if (buffer.size > KEPT_BYTES) return this.#release(buffer)
    const idle = this.#idle.get(buffer.size)
    if (idle === undefined) this.#idle.set(buffer.size, [buffer])
    else idle.push(buffer)
  }
}
