// How often each pair of neighbouring tokens occurs, and in which words.

const EMPTY: readonly number[] = []

export class PairCounts {
  /** Left and right id of each pair, in the order in which pairs were first met. */
  lefts = new Int32Array(1 << 12)
  rights = new Int32Array(1 << 12)
  counts = new Float64Array(1 << 12)
  readonly #words: (number[] | undefined)[] = []
  #slots = new Int32Array(1 << 14)   // pair number + 1
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The number of a pair, made new if there is none. */
  of(left: number, right: number): number {
    const mask = this.#slots.length - 1
    let slot = hashOf(left, right) & mask
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const pair = this.#slots[slot] - 1
      if (this.lefts[pair] === left && this.rights[pair] === right) return pair
    }
    const pair = this.#size++
    if (pair === this.lefts.length) this.#growPairs()
    this.lefts[pair] = left
    this.rights[pair] = right
    this.#slots[slot] = this.#size
    if (this.#size * 2 > this.#slots.length) this.#growSlots()
    return pair
  }

  /** Notes that `word` holds the pair; a word may be noted again as long as no other came between. */
  note(pair: number, word: number): void {
    const words = this.#words[pair]
    if (words === undefined) this.#words[pair] = [word]
    else if (words[words.length - 1] !== word) words.push(word)
  }

  /** The words that hold or once held the pair; forgets them. */
  takeWords(pair: number): readonly number[] {
    const words = this.#words[pair] ?? EMPTY
    this.#words[pair] = undefined
    return words
  }

  #growPairs(): void {
    const grow = <T extends Int32Array | Float64Array>(old: T, larger: T): T => {
      larger.set(old)
      return larger
    }
    this.lefts = grow(this.lefts, new Int32Array(this.lefts.length * 2))
    this.rights = grow(this.rights, new Int32Array(this.rights.length * 2))
    this.counts = grow(this.counts, new Float64Array(this.counts.length * 2))
  }

  #growSlots(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    const mask = this.#slots.length - 1
    for (let pair = 0; pair < this.#size; pair++) {
      let slot = hashOf(this.lefts[pair], this.rights[pair]) & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = pair + 1
    }
  }
}

function hashOf(left: number, right: number): number {
  const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
  return hash ^ (hash >>> 15)
}
