// How often each piece ("word") occurs. Training needs nothing else of a corpus, so counts of parts of it can be added up.

const SLOT = 8   // first 16 bytes or hash and place; length; word number + 1; count as a double
const INLINE = 16
const MASKS = [0, 0xff, 0xffff, 0xff_ffff, -1] as const

/** Words one after another, the length of each in bytes, and how often each occurs. */
export interface PackedCounts {
  bytes: Uint8Array
  lengths: Uint32Array
  counts: Float64Array
}

export class WordCounts {
  #slots = new Int32Array(SLOT << 12)
  #counts = new Float64Array(this.#slots.buffer)
  #bytes = new Uint8Array(1 << 16)
  #starts = new Uint32Array(1 << 12)
  #used = 0
  #size = 0

  /** How many different words. */
  get size(): number {
    return this.#size
  }

  /** Adds `times` occurrences of the word `start`…`end`; 16 bytes past `end` must be readable in `words`. */
  add(bytes: Uint8Array, words: DataView, start: number, end: number, times: number): void {
    const length = end - start
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
        else {
          fourth = words.getInt32(start + 12, true)
          if (length <= INLINE) fourth &= MASKS[length - 12]
          else for (let at = start + INLINE; at < end; at++) fourth = Math.imul(fourth, 0x01000193) + bytes[at] | 0
        }
      }
    }
    const slots = this.#slots
    const mask = slots.length - 1
    let at = (slotOf(first, second, third, fourth) * SLOT) & mask
    for (; slots[at + 4] !== 0; at = (at + SLOT) & mask) {
      if (
        slots[at + 4] === length && slots[at] === first && slots[at + 1] === second && slots[at + 2] === third && slots[at + 3] === fourth
        && (length <= INLINE || this.#same(slots[at + 5], bytes, start, length))
      ) {
        this.#counts[(at >> 1) + 3] += times
        return
      }
    }
    slots[at] = first
    slots[at + 1] = second
    slots[at + 2] = third
    slots[at + 3] = fourth
    slots[at + 4] = length
    slots[at + 5] = this.#keep(bytes, start, length)
    this.#counts[(at >> 1) + 3] = times
    if (this.#size * 2 * SLOT > slots.length) this.#growSlots()
  }

  /** All words in the order in which they were first met. */
  *entries(): Generator<{ bytes: Uint8Array; count: number }> {
    const slotOfWord = new Uint32Array(this.#size)
    for (let at = 0; at < this.#slots.length; at += SLOT) if (this.#slots[at + 4] !== 0) slotOfWord[this.#slots[at + 5]] = at
    for (const at of slotOfWord) {
      const start = this.#starts[this.#slots[at + 5]]
      yield { bytes: this.#bytes.subarray(start, start + this.#slots[at + 4]), count: this.#counts[(at >> 1) + 3] }
    }
  }

  /** The counts in a form that can be stored and sent. */
  pack(): PackedCounts {
    const packed = { bytes: this.#bytes.slice(0, this.#used), lengths: new Uint32Array(this.#size), counts: new Float64Array(this.#size) }
    let word = 0
    for (const { bytes, count } of this.entries()) {
      packed.lengths[word] = bytes.length
      packed.counts[word++] = count
    }
    return packed
  }

  /** Adds packed counts. */
  addPacked({ bytes, lengths, counts }: PackedCounts): void {
    const padded = new Uint8Array(bytes.length + INLINE)
    padded.set(bytes)
    const words = new DataView(padded.buffer)
    let start = 0
    for (let word = 0; word < lengths.length; word++) {
      this.add(padded, words, start, start + lengths[word], counts[word])
      start += lengths[word]
    }
  }

  #same(word: number, bytes: Uint8Array, start: number, length: number): boolean {
    const from = this.#starts[word]
    for (let k = 0; k < length; k++) if (this.#bytes[from + k] !== bytes[start + k]) return false
    return true
  }

  #keep(bytes: Uint8Array, start: number, length: number): number {
    if (this.#used + length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#used + length))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    if (this.#size === this.#starts.length) {
      const larger = new Uint32Array(this.#size * 2)
      larger.set(this.#starts)
      this.#starts = larger
    }
    for (let k = 0; k < length; k++) this.#bytes[this.#used + k] = bytes[start + k]
    this.#starts[this.#size] = this.#used
    this.#used += length
    return this.#size++
  }

  #growSlots(): void {
    const old = this.#slots
    const slots = new Int32Array(old.length * 2)
    const mask = slots.length - 1
    for (let from = 0; from < old.length; from += SLOT) {
      if (old[from + 4] === 0) continue
      let at = (slotOf(old[from], old[from + 1], old[from + 2], old[from + 3]) * SLOT) & mask
      while (slots[at + 4] !== 0) at = (at + SLOT) & mask
      for (let k = 0; k < SLOT; k++) slots[at + k] = old[from + k]
    }
    this.#slots = slots
    this.#counts = new Float64Array(slots.buffer)
  }
}

function slotOf(first: number, second: number, third: number, fourth: number): number {
  let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b) ^ Math.imul(third, 0xc2b2ae35) ^ Math.imul(fourth, 0x27d4eb2f)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
