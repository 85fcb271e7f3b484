// The ids of short pieces that were met before. Bounded and lossy: two places per piece, the older is overwritten. A piece
// of up to 16 bytes is its own key, so that a hit reads one cache line and compares whole words.

/** The longest piece that is kept, in bytes. */
export const CACHED_BYTES = 16
/** The most ids that are kept of a piece. */
const CACHED_IDS = 3
const WAYS = 1 << 16
const SLOT = 8   // 4 words of the piece, its kind, 3 ids

// by how many bytes of a word belong to the piece
const MASKS = [0, 0xff, 0xffff, 0xff_ffff, -1] as const

export class PieceCache {
  readonly #slots: Int32Array
  // the key of the last `read`, for the `write` that follows a miss
  #first = 0
  #second = 0
  #third = 0
  #fourth = 0
  #at = 0

  constructor(ways = WAYS) {
    this.#slots = new Int32Array(ways * SLOT)
  }

  /**
   * Copies the ids of a piece to `out[to…]` and returns how many, 0 if the piece is not kept.
   * `kind` tells apart pieces that have different ids for the same bytes.
   */
  read(words: DataView, start: number, length: number, kind: number, out: Uint32Array, to: number): number {
    let first = words.getInt32(start, true)
    let second = 0
    let third = 0
    let fourth = 0
    if (length <= 4) first &= MASKS[length]
    else {
      second = words.getInt32(start + 4, true)
      if (length <= 8) second &= MASKS[length - 4]
      else {
        third = words.getInt32(start + 8, true)
        if (length <= 12) third &= MASKS[length - 8]
        else fourth = words.getInt32(start + 12, true) & MASKS[length - 12]
      }
    }
    let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b) ^ Math.imul(third, 0xc2b2ae35) ^ Math.imul(fourth, 0x27d4eb2f)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    const slots = this.#slots
    const tag = length | kind
    let at = ((hash ^ (hash >>> 13)) * SLOT) & (slots.length - 1)
    for (let way = 0; way < 2; way++) {
      const found = slots[at + 4]
      if ((found & 0xff) === tag && slots[at] === first && slots[at + 1] === second && slots[at + 2] === third && slots[at + 3] === fourth) {
        const count = found >> 8
        out[to] = slots[at + 5]
        if (count > 1) {
          out[to + 1] = slots[at + 6]
          if (count > 2) out[to + 2] = slots[at + 7]
        }
        return count
      }
      at ^= SLOT
    }
    this.#first = first
    this.#second = second
    this.#third = third
    this.#fourth = fourth
    this.#at = at
    return 0
  }

  /** Keeps `out[from…to)` as the ids of the piece that the last `read` did not find. */
  write(length: number, kind: number, out: Uint32Array, from: number, to: number): void {
    const count = to - from
    if (count > CACHED_IDS) return
    const slots = this.#slots
    const at = this.#at
    if (slots[at + 4] !== 0) slots.copyWithin(at ^ SLOT, at, at + SLOT)
    slots[at] = this.#first
    slots[at + 1] = this.#second
    slots[at + 2] = this.#third
    slots[at + 3] = this.#fourth
    slots[at + 4] = length | kind | (count << 8)
    for (let k = 0; k < count; k++) slots[at + 5 + k] = out[from + k]
  }
}
