// From a text to ids: chunk by chunk into bytes, bytes into pieces, pieces into ids.
import { chunkEnd } from '../split/chunks.ts'
import type { Splitter } from '../split/splitter.ts'
import { Utf8Buffer } from '../text/utf8.ts'
import type { PieceEncoder } from './piece-encoder.ts'

export class TextToIds {
  readonly pieces: PieceEncoder
  readonly splitter: Splitter
  readonly #buffer = new Utf8Buffer()
  #ids = new Uint32Array(4096)
  #count = 0

  constructor(pieces: PieceEncoder, splitter: Splitter) {
    this.pieces = pieces
    this.splitter = splitter
  }

  /** Forgets the ids collected so far. */
  clear(): void {
    this.#count = 0
  }

  /** How many ids have been collected since `clear`. */
  get count(): number {
    return this.#count
  }

  /** A copy of the ids collected since `clear`. */
  take(): Uint32Array {
    return this.#ids.slice(0, this.#count)
  }

  push(id: number): void {
    this.#reserve(1)
    this.#ids[this.#count++] = id
  }

  /** Collects the ids of an ordinary text: what looks like a special token is plain text. */
  add(text: string): void {
    for (let start = 0; start < text.length;) {
      const end = this.splitter.cuttable ? chunkEnd(text, start) : text.length
      this.#addChunk(start === 0 && end === text.length ? text : text.slice(start, end))
      start = end
    }
  }

  #addChunk(text: string): void {
    const buffer = this.#buffer
    buffer.write(text)
    const { bytes, words, length } = buffer
    const scan = this.splitter.begin(text)
    // a piece has at most as many ids as bytes
    this.#reserve(length)
    const ids = this.#ids
    let count = this.#count
    for (let start = 0; start < length;) {
      const end = scan(bytes, start, length)
      count = this.pieces.encode(bytes, words, start, end, ids, count)
      start = end
    }
    this.#count = count
  }

  #reserve(more: number): void {
    // 3 more: the cache may be asked for a piece at the very end
    const needed = this.#count + more + 3
    if (needed <= this.#ids.length) return
    const larger = new Uint32Array(Math.max(needed, this.#ids.length * 2))
    larger.set(this.#ids.subarray(0, this.#count))
    this.#ids = larger
  }
}
