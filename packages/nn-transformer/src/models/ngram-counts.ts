// How often each sequence of up to n tokens occurs: a trie in flat arrays, its edges in one open-addressing hash table. A node is a sequence; a text is
// counted in one pass that follows all n suffixes at once.

const NONE = -1
const ROOT = 0

export class NGramCounts {
  readonly #order: number
  /** Of each node: its parent, last token, occurrences, occurrences with a token after it, and different tokens after it. */
  #parent = new Int32Array(1024)
  #token = new Int32Array(1024)
  #count = new Int32Array(1024)
  #followed = new Int32Array(1024)
  #different = new Int32Array(1024)
  #size = 1
  /** Node numbers; a power of two of places, at most half of them used. */
  #table = new Int32Array(4096).fill(NONE)

  constructor(order: number) {
    this.#order = order
  }

  /** Nodes beside the root. */
  get size(): number {
    return this.#size - 1
  }

  /** The contexts before any token: the empty one only. */
  start(): readonly number[] {
    return [ROOT]
  }

  /** From the suffixes of a text, shortest first, to those of the text with one more token. Ends where a suffix was never seen. */
  after(contexts: readonly number[], token: number): readonly number[] {
    const next = [ROOT]
    for (let k = 0; k < contexts.length && k < this.#order - 1; k++) {
      const node = this.#child(contexts[k], token)
      if (node === NONE) break
      next.push(node)
    }
    return next
  }

  add(tokens: ArrayLike<number>): void {
    let suffixes = new Int32Array(this.#order)   // suffixes[k]: the last k tokens
    let next = new Int32Array(this.#order)
    let known = 1
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]
      for (let k = 0; k < known; k++) {
        const context = suffixes[k]
        let node = this.#child(context, token)
        if (node === NONE) {
          node = this.#insert(context, token)
          this.#different[context]++
        }
        this.#count[node]++
        this.#followed[context]++
        if (k + 1 < this.#order) next[k + 1] = node
      }
      known = Math.min(known + 1, this.#order)
      ;[suffixes, next] = [next, suffixes]
      suffixes[0] = ROOT
    }
  }

  // Arrow functions, so that they can be taken out of the object in an inner loop.
  /** How often a context was followed by anything. */
  readonly occurrences = (context: number): number => this.#followed[context]
  /** By how many different tokens. */
  readonly followers = (context: number): number => this.#different[context]
  /** How often by this token. */
  readonly countOf = (context: number, token: number): number => {
    const node = this.#child(context, token)
    return node === NONE ? 0 : this.#count[node]
  }

  #place(parent: number, token: number): number {
    const mixed = Math.imul(Math.imul(parent, 0x9e3779b1) ^ token, 0x85ebca6b)
    return (mixed ^ (mixed >>> 15)) & (this.#table.length - 1)
  }

  #child(parent: number, token: number): number {
    const mask = this.#table.length - 1
    for (let place = this.#place(parent, token); ; place = (place + 1) & mask) {
      const node = this.#table[place]
      if (node === NONE || (this.#parent[node] === parent && this.#token[node] === token)) return node
    }
  }

  #insert(parent: number, token: number): number {
    if (this.#size === this.#parent.length) this.#grow()
    const node = this.#size++
    this.#parent[node] = parent
    this.#token[node] = token
    this.#link(node)
    return node
  }

  #link(node: number): void {
    const mask = this.#table.length - 1
    let place = this.#place(this.#parent[node], this.#token[node])
    while (this.#table[place] !== NONE) place = (place + 1) & mask
    this.#table[place] = node
  }

  #grow(): void {
    const doubled = (array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const larger = new Int32Array(array.length * 2)
      larger.set(array)
      return larger
    }
    this.#parent = doubled(this.#parent)
    this.#token = doubled(this.#token)
    this.#count = doubled(this.#count)
    this.#followed = doubled(this.#followed)
    this.#different = doubled(this.#different)
    this.#table = new Int32Array(this.#parent.length * 4).fill(NONE)
    for (let node = 1; node < this.#size; node++) this.#link(node)
  }
}
