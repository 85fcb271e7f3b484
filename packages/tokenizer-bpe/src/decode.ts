// From ids to bytes and text.
import { TokenIdError, TokenizerError } from './errors.ts'
import type { SpecialTokens } from './special-tokens.ts'
import { textOf, utf8Of } from './text/utf8.ts'
import type { Vocabulary } from './vocabulary.ts'

export class IdsToBytes {
  readonly #vocabulary: Vocabulary
  readonly #specials: SpecialTokens
  readonly #vocabSize: number
  #bytes = new Uint8Array(1024)
  #words = new DataView(this.#bytes.buffer)

  constructor(vocabulary: Vocabulary, specials: SpecialTokens, vocabSize: number) {
    this.#vocabulary = vocabulary
    this.#specials = specials
    this.#vocabSize = vocabSize
  }

  /** The bytes of `ids`, in a buffer that the next call overwrites. Throws TokenIdError. */
  bytesOf(ids: ArrayLike<number>, where: string): Uint8Array {
    const { words: source, starts, lengths, size } = this.#vocabulary
    let length = 0
    for (let k = 0; k < ids.length; k++) {
      const id = ids[k]
      this.#reserve(length + (lengths[id] ?? 0))
      // NaN, fractions and negative ids have no length, ids without a token have length 0
      if (!(id < size && lengths[id] > 0)) {
        length = this.#addSpecial(id, length, where)
        continue
      }
      const words = this.#words
      const start = starts[id]
      const count = lengths[id]
      words.setInt32(length, source.getInt32(start))
      for (let done = 4; done < count; done += 4) words.setInt32(length + done, source.getInt32(start + done))
      length += count
    }
    return this.#bytes.subarray(0, length)
  }

  /** The text of `ids`; bytes that are not UTF-8 become U+FFFD, or with `strict` throw TokenizerError. */
  textOf(ids: ArrayLike<number>, strict: boolean): string {
    const bytes = this.bytesOf(ids, 'decode')
    try {
      return textOf(bytes, strict)
    } catch {
      throw new TokenizerError('INVALID_UTF8', 'decode: ids must be of whole characters when strict; leave it out to get U+FFFD')
    }
  }

  #addSpecial(id: number, length: number, where: string): number {
    const name = this.#specials.nameOf(id)
    if (name === undefined) throw new TokenIdError(where, id, this.#vocabSize)
    const bytes = utf8Of(name)
    this.#reserve(length + bytes.length)
    this.#bytes.set(bytes, length)
    return length + bytes.length
  }

  #reserve(needed: number): void {
    // 4 more: the last word of a token may reach past it
    if (needed + 4 <= this.#bytes.length) return
    const larger = new Uint8Array((needed + 4) * 2)
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#words = new DataView(larger.buffer)
  }
}
