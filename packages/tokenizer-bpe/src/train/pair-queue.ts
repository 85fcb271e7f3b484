// The pairs by how often they occur: a heap that is told counts and gives the highest first.

/** Orders pairs of equal count: whether `a` comes before `b`. */
export type TieRule = (a: number, b: number) => boolean

export class PairQueue {
  #pairs = new Int32Array(1 << 10)
  #counts = new Float64Array(1 << 10)
  #size = 0
  readonly #wins: TieRule

  constructor(wins: TieRule) {
    this.#wins = wins
  }

  get size(): number {
    return this.#size
  }

  push(pair: number, count: number): void {
    if (this.#size === this.#pairs.length) this.#grow()
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#before(pair, count, parent)) break
      this.#move(parent, at)
      at = parent
    }
    this.#pairs[at] = pair
    this.#counts[at] = count
  }

  /** The highest pair and the count it was pushed with; undefined when the queue is empty. */
  pop(): { pair: number; count: number } | undefined {
    if (this.#size === 0) return undefined
    const top = { pair: this.#pairs[0], count: this.#counts[0] }
    const size = --this.#size
    const pair = this.#pairs[size]
    const count = this.#counts[size]
    let at = 0
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#before(this.#pairs[child + 1], this.#counts[child + 1], child)) child++
      if (this.#before(pair, count, child)) break
      this.#move(child, at)
      at = child
    }
    this.#pairs[at] = pair
    this.#counts[at] = count
    return top
  }

  #before(pair: number, count: number, at: number): boolean {
    const other = this.#counts[at]
    return count !== other ? count > other : this.#wins(pair, this.#pairs[at])
  }

  #move(from: number, to: number): void {
    this.#pairs[to] = this.#pairs[from]
    this.#counts[to] = this.#counts[from]
  }

  #grow(): void {
    const pairs = new Int32Array(this.#size * 2)
    const counts = new Float64Array(this.#size * 2)
    pairs.set(this.#pairs)
    counts.set(this.#counts)
    this.#pairs = pairs
    this.#counts = counts
  }
}
