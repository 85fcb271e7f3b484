// Byte-level BPE: every text has ids and every sequence of ids has bytes. This is all that a small bundle carries; what reads
// and writes files is around it (bpe-tokenizer.ts).
import { IdsToBytes } from './decode.ts'
import { PieceEncoder } from './encode/piece-encoder.ts'
import { TextToIds } from './encode/text-to-ids.ts'
import type { Pairs } from './merge/pairs.ts'
import { SpecialTokens, type Stretch } from './special-tokens.ts'
import type { Splitter } from './split/splitter.ts'
import { utf8Of } from './text/utf8.ts'
import type { EncodeOptions } from './tokenizer.ts'
import type { Vocabulary } from './vocabulary.ts'

export interface BpeParts {
  vocabulary: Vocabulary
  pairs: Pairs
  splitter: Splitter
  /** Ids by text. */
  specialTokens?: Iterable<readonly [string, number]>
  /** Whether a piece that is a token as a whole is not merged: true for tiktoken's encodings. Default false. */
  wholePieces?: boolean
}

export interface DecodeOptions {
  /** Throw instead of putting U+FFFD where the bytes are not UTF-8. Default false. */
  strict?: boolean
}

export class ByteBpe {
  readonly vocabulary: Vocabulary
  readonly pairs: Pairs
  readonly splitter: Splitter
  readonly wholePieces: boolean
  readonly vocabSize: number
  readonly specialTokens: ReadonlyMap<string, number>
  readonly #specials: SpecialTokens
  readonly #toIds: TextToIds
  readonly #toBytes: IdsToBytes

  constructor({ vocabulary, pairs, splitter, specialTokens = [], wholePieces = false }: BpeParts) {
    this.vocabulary = vocabulary
    this.pairs = pairs
    this.splitter = splitter
    this.wholePieces = wholePieces
    this.#specials = new SpecialTokens(specialTokens)
    this.specialTokens = this.#specials.ids
    let size = vocabulary.size
    for (const id of this.specialTokens.values()) size = Math.max(size, id + 1)
    this.vocabSize = size
    this.#toIds = new TextToIds(new PieceEncoder(vocabulary, pairs, wholePieces), splitter)
    this.#toBytes = new IdsToBytes(vocabulary, this.#specials, size)
  }

  /**
   * The ids of a text. Lone surrogates count as U+FFFD.
   * Throws TokenizerError 'SPECIAL_TOKEN_IN_TEXT' for a special token in the text that is not allowed.
   *
   * @example
   * tokenizer.encode('Call me Ishmael.')                                     // Uint32Array
   * tokenizer.encode('…<|endoftext|>', { allowedSpecial: ['<|endoftext|>'] })
   */
  encode(text: string, options?: EncodeOptions): Uint32Array {
    this.#collect(text, options)
    return this.#toIds.take()
  }

  /** The ids of a text in which what looks like a special token is plain text. */
  encodeOrdinary(text: string): Uint32Array {
    this.#toIds.clear()
    this.#toIds.add(text)
    return this.#toIds.take()
  }

  /** How many ids `encode` would give, without making them. */
  count(text: string, options?: EncodeOptions): number {
    this.#collect(text, options)
    return this.#toIds.count
  }

  /** The text of ids. Throws TokenIdError, a RangeError, for an id that no token has. */
  decode(ids: ArrayLike<number>, { strict = false }: DecodeOptions = {}): string {
    return this.#toBytes.textOf(ids, strict)
  }

  /** The bytes of ids, which need not be whole characters. Throws TokenIdError. */
  decodeBytes(ids: ArrayLike<number>): Uint8Array {
    return this.#toBytes.bytesOf(ids, 'decodeBytes').slice()
  }

  /** The bytes of one token, special or not. Throws TokenIdError. */
  bytesOf(id: number): Uint8Array {
    return this.#toBytes.bytesOf([id], 'bytesOf').slice()
  }

  idOf(token: string | Uint8Array): number | undefined {
    if (typeof token === 'string') {
      const special = this.specialTokens.get(token)
      if (special !== undefined) return special
    }
    const bytes = typeof token === 'string' ? utf8Of(token) : token
    const id = this.vocabulary.find(bytes, 0, bytes.length)
    return id < 0 ? undefined : id
  }

  /** The plain stretches and the special tokens of a text. Throws as `encode` does. */
  stretches(text: string, options?: EncodeOptions): Stretch[] {
    return this.#specials.split(text, options)
  }

  #collect(text: string, options?: EncodeOptions): void {
    const toIds = this.#toIds
    toIds.clear()
    for (const { start, end, id } of this.stretches(text, options)) {
      if (id >= 0) toIds.push(id)
      else toIds.add(start === 0 && end === text.length ? text : text.slice(start, end))
    }
  }
}
