// Looking into a trained vocabulary: what was merged when, what a token is made of, and how a text looks after k merges.
import type { ByteBpe } from '../byte-bpe.ts'
import { TokenizerError } from '../errors.ts'
import { Utf8Buffer, textOf } from '../text/utf8.ts'

export interface Merge {
  left: number
  right: number
  /** The id of the token that the two became. */
  merged: number
  /** Its text; bytes that are not whole characters show as U+FFFD. */
  text: string
}

/** A token and the two it was merged from; leaves are single bytes, or tokens that no merge makes. */
export interface MergeTree {
  id: number
  text: string
  /** The place of its merge in the history; -1 for a leaf. */
  rank: number
  children: [MergeTree, MergeTree] | []
}

/** A text as it looks after some merges. */
export interface Segment {
  id: number
  /** Bytes of the text's UTF-8 that the token covers. */
  start: number
  end: number
}

/** The merges of a tokenizer, and what can be seen in them. Made once, then every question is quick. */
export class MergeHistory {
  readonly #tokenizer: ByteBpe
  readonly #merges: Int32Array
  readonly #rankOf = new Map<number, number>()   // of the merge that makes an id first
  readonly #rankOfPair = new Map<number, Map<number, number>>()

  constructor(tokenizer: ByteBpe) {
    this.#tokenizer = tokenizer
    this.#merges = tokenizer.pairs.list()
    for (let rank = 0; rank < this.length; rank++) {
      const [left, right, merged] = this.#merges.subarray(rank * 3, rank * 3 + 3)
      if (!this.#rankOf.has(merged)) this.#rankOf.set(merged, rank)
      let byRight = this.#rankOfPair.get(left)
      if (byRight === undefined) this.#rankOfPair.set(left, byRight = new Map())
      byRight.set(right, rank)
    }
  }

  /** How many merges there are. */
  get length(): number {
    return this.#merges.length / 3
  }

  /** The merge at a place of the history, 0 for the first. */
  at(rank: number): Merge {
    if (!Number.isInteger(rank) || rank < 0 || rank >= this.length) throw new TokenizerError('INVALID_OPTION', `MergeHistory.at: rank must be a whole number below ${this.length}, got ${rank}`)
    const [left, right, merged] = this.#merges.subarray(rank * 3, rank * 3 + 3)
    return { left, right, merged, text: this.#textOf(merged) }
  }

  /** All merges in order. */
  *[Symbol.iterator](): Generator<Merge> {
    for (let rank = 0; rank < this.length; rank++) yield this.at(rank)
  }

  /**
   * How a token came to be.
   *
   * @throws TokenIdError
   * @example
   * new MergeHistory(tokenizer).treeOf(tokenizer.idOf('the') ?? 0)   // the ← (th ← (t, h), e)
   */
  treeOf(id: number): MergeTree {
    const rank = this.#rankOf.get(id)
    const text = this.#textOf(id)
    if (rank === undefined) return { id, text, rank: -1, children: [] }
    return { id, text, rank, children: [this.treeOf(this.#merges[rank * 3]), this.treeOf(this.#merges[rank * 3 + 1])] }
  }

  /**
   * The tokens of a text when only the first `merges` merges have been learned: 0 gives its bytes, all of them what
   * `encodeOrdinary` gives.
   */
  segment(text: string, merges: number): Segment[] {
    const { splitter, vocabulary, wholePieces } = this.#tokenizer
    const all = merges >= this.length
    const buffer = new Utf8Buffer()
    buffer.write(text)
    const { bytes, length } = buffer
    const scan = splitter.begin(text)
    const segments: Segment[] = []
    for (let start = 0; start < length;) {
      const end = scan(bytes, start, length)
      const whole = all && wholePieces ? vocabulary.find(bytes, start, end) : -1
      if (whole >= 0) segments.push({ id: whole, start, end })
      else for (const segment of this.#mergePiece(bytes, start, end, merges)) segments.push(segment)
      start = end
    }
    return segments
  }

  #mergePiece(bytes: Uint8Array, start: number, end: number, merges: number): Segment[] {
    const { vocabulary } = this.#tokenizer
    const parts: Segment[] = []
    for (let at = start; at < end; at++) parts.push({ id: vocabulary.find(bytes, at, at + 1), start: at, end: at + 1 })
    const rank = (place: number): number => {
      const found = this.#rankOfPair.get(parts[place].id)?.get(parts[place + 1].id) ?? Infinity
      return found < merges ? found : Infinity
    }
    const ranks = parts.slice(1).map((_, place) => rank(place))
    for (;;) {
      let best = 0
      for (let place = 1; place < ranks.length; place++) if (ranks[place] < ranks[best]) best = place
      if (ranks.length === 0 || ranks[best] === Infinity) return parts
      const merged = { id: this.#merges[ranks[best] * 3 + 2], start: parts[best].start, end: parts[best + 1].end }
      parts.splice(best, 2, merged)
      ranks.splice(best, 1)
      if (best > 0) ranks[best - 1] = rank(best - 1)
      if (best < ranks.length) ranks[best] = rank(best)
    }
  }

  #textOf(id: number): string {
    return textOf(this.#tokenizer.bytesOf(id))
  }
}
