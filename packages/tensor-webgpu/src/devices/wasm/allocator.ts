// Hands out 64-byte-aligned blocks of an address range that can grow: best fit from a list of free blocks, neighbours joined when freed.
// Keeps books only; it never touches the memory itself.

const ALIGNMENT = 64

interface Block {
  readonly start: number
  readonly size: number
}

const align = (bytes: number): number => Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT)

export class Allocator {
  /** Free blocks by address; no two touch. */
  #free: Block[] = []
  readonly #used = new Map<number, number>()
  #end: number

  constructor(start: number) {
    this.#end = start
  }

  /** Adds the addresses from the end so far up to `end`. */
  extend(end: number): void {
    if (end > this.#end) this.#release({ start: this.#end, size: end - this.#end })
    this.#end = Math.max(end, this.#end)
  }

  /** The start of a block of at least `bytes`, or null if none is free. */
  allocate(bytes: number): number | null {
    const size = align(bytes)
    let best = -1
    for (let i = 0; i < this.#free.length; i++)
      if (this.#free[i].size >= size && (best < 0 || this.#free[i].size < this.#free[best].size)) best = i
    if (best < 0) return null
    const { start, size: available } = this.#free[best]
    if (available === size) this.#free.splice(best, 1)
    else this.#free[best] = { start: start + size, size: available - size }
    this.#used.set(start, size)
    return start
  }

  /** Size of the allocated block at `start`. */
  sizeOf(start: number): number {
    return this.#used.get(start) ?? 0
  }

  free(start: number): void {
    const size = this.#used.get(start)
    if (size === undefined) throw new RangeError(`Allocator.free: ${start} must be the start of an allocated block, got none there; freed twice?`)
    this.#used.delete(start)
    this.#release({ start, size })
  }

  /** Bytes free at the end of the range: growing by less than a request minus these is enough. */
  get tail(): number {
    const last = this.#free.at(-1)
    return last !== undefined && last.start + last.size === this.#end ? last.size : 0
  }

  #release(block: Block): void {
    let low = 0
    let high = this.#free.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#free[middle].start < block.start) low = middle + 1
      else high = middle
    }
    const before = low > 0 ? this.#free[low - 1] : undefined
    const after = low < this.#free.length ? this.#free[low] : undefined
    const joinsBefore = before !== undefined && before.start + before.size === block.start
    const joinsAfter = after !== undefined && block.start + block.size === after.start
    const start = joinsBefore ? before.start : block.start
    const size = block.size + (joinsBefore ? before.size : 0) + (joinsAfter ? after.size : 0)
    this.#free.splice(low - (joinsBefore ? 1 : 0), (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), { start, size })
  }
}
