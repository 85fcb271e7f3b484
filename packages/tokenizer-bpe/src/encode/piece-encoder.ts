// From the bytes of one piece to its ids: from the cache, else as a whole token, else by merging.
import type { Pairs } from '../merge/pairs.ts'
import { merge } from '../merge/merge.ts'
import type { Vocabulary } from '../vocabulary.ts'
import { TokenizerError } from '../errors.ts'
import { CACHED_BYTES, PieceCache } from './piece-cache.ts'

export class PieceEncoder {
  readonly vocabulary: Vocabulary
  readonly pairs: Pairs
  /** Whether a piece that is a token as a whole is not merged (tiktoken; Hugging Face's `ignore_merges`). */
  readonly wholePieces: boolean
  /** Id of each single byte. */
  readonly byteIds: Int32Array
  readonly #cache = new PieceCache()
  #symbols = new Int32Array(256)

  constructor(vocabulary: Vocabulary, pairs: Pairs, wholePieces: boolean) {
    this.vocabulary = vocabulary
    this.pairs = pairs
    this.wholePieces = wholePieces
    this.byteIds = new Int32Array(256)
    for (let byte = 0; byte < 256; byte++) this.byteIds[byte] = vocabulary.find(Uint8Array.of(byte), 0, 1)
  }

  /**
   * Writes the ids of the piece `start`…`end` to `out[to…]` and returns where they end.
   * `words` views `bytes`, of which 16 bytes past `end` must be readable.
   */
  encode(bytes: Uint8Array, words: DataView, start: number, end: number, out: Uint32Array, to: number): number {
    const length = end - start
    if (length > CACHED_BYTES) return this.#encodeNew(bytes, start, end, out, to)
    const cached = this.#cache.read(words, start, length, 0, out, to)
    if (cached !== 0) return to + cached
    const after = this.#encodeNew(bytes, start, end, out, to)
    this.#cache.write(length, 0, out, to, after)
    return after
  }

  #encodeNew(bytes: Uint8Array, start: number, end: number, out: Uint32Array, to: number): number {
    if (this.wholePieces) {
      const whole = this.vocabulary.find(bytes, start, end)
      if (whole >= 0) {
        out[to] = whole
        return to + 1
      }
    }
    const length = end - start
    if (this.#symbols.length < length) this.#symbols = new Int32Array(length * 2)
    const symbols = this.#symbols
    for (let k = 0; k < length; k++) {
      const id = this.byteIds[bytes[start + k]]
      if (id < 0) throw unknownByte(bytes[start + k])
      symbols[k] = id
    }
    const count = merge(symbols, length, this.pairs)
    for (let k = 0; k < count; k++) out[to + k] = symbols[k]
    return to + count
  }
}

function unknownByte(byte: number): TokenizerError {
  return new TokenizerError(
    'UNKNOWN_CHARACTER',
    `encode: every byte must be a token, got 0x${byte.toString(16)}; train with the whole byte alphabet`,
  )
}
