// One token per character (code point) of a text: the tokenizer to begin with. It cannot encode characters it has not seen.
import { TokenIdError, TokenizerError } from './errors.ts'
import { SpecialTokens } from './special-tokens.ts'
import { wellFormed } from './text/utf8.ts'
import type { EncodeOptions, Tokenizer } from './tokenizer.ts'

export interface CharacterOptions {
  /** Special tokens; they get the first ids. Default none. */
  specialTokens?: readonly string[]
  /** A special token to use for characters that are not in the vocabulary; without it they are an error. */
  unknownToken?: string
}

export class CharacterTokenizer implements Tokenizer {
  readonly vocabSize: number
  readonly specialTokens: ReadonlyMap<string, number>
  readonly unknownToken: string | undefined
  readonly #specials: SpecialTokens
  readonly #characters = new Map<number, string>()
  readonly #ids = new Map<string, number>()

  /** @param characters ids by character */
  constructor(characters: Iterable<readonly [string, number]>, specialTokens: Iterable<readonly [string, number]> = [], unknownToken?: string) {
    this.#specials = new SpecialTokens(specialTokens)
    this.specialTokens = this.#specials.ids
    this.unknownToken = unknownToken
    let size = 0
    for (const id of this.specialTokens.values()) size = Math.max(size, id + 1)
    for (const [character, id] of characters) {
      if (this.#characters.has(id) || this.#specials.nameOf(id) !== undefined) throw new TokenizerError('INVALID_VOCABULARY', `CharacterTokenizer: ids must differ, got ${id} twice`)
      this.#characters.set(id, character)
      this.#ids.set(character, id)
      size = Math.max(size, id + 1)
    }
    this.vocabSize = size
    if (unknownToken !== undefined && !this.specialTokens.has(unknownToken)) {
      throw new TokenizerError('UNKNOWN_SPECIAL_TOKEN', `CharacterTokenizer: unknownToken must be one of the special tokens, got ${JSON.stringify(unknownToken)}`)
    }
  }

  /**
   * The tokenizer of all characters of `text`, in the order of their code points.
   *
   * @example
   * const tokenizer = CharacterTokenizer.train('hello')
   * tokenizer.encode('hole')   // Uint32Array [1, 3, 2, 0]
   */
  static train(text: string, { specialTokens = [], unknownToken }: CharacterOptions = {}): CharacterTokenizer {
    const names = unknownToken === undefined || specialTokens.includes(unknownToken) ? [...specialTokens] : [...specialTokens, unknownToken]
    const codePoints = new Set<number>()
    for (const character of wellFormed(text)) codePoints.add(character.codePointAt(0) ?? 0)
    const sorted = [...codePoints].sort((a, b) => a - b)
    return new CharacterTokenizer(
      sorted.map((codePoint, k) => [String.fromCodePoint(codePoint), names.length + k] as const),
      names.map((name, id) => [name, id] as const),
      unknownToken,
    )
  }

  /** The ids of a text. Throws TokenizerError 'UNKNOWN_CHARACTER' for a character that is not in the vocabulary. */
  encode(text: string, options?: EncodeOptions): Uint32Array {
    const ids: number[] = []
    const unknown = this.unknownToken === undefined ? undefined : this.specialTokens.get(this.unknownToken)
    for (const { start, end, id } of this.#specials.split(text, options)) {
      if (id >= 0) {
        ids.push(id)
        continue
      }
      for (const character of wellFormed(text.slice(start, end))) {
        const known = this.#ids.get(character) ?? unknown
        if (known === undefined) throw unknownCharacter(character)
        ids.push(known)
      }
    }
    return Uint32Array.from(ids)
  }

  /** The text of ids. Throws TokenIdError for an id that no token has. */
  decode(ids: ArrayLike<number>): string {
    let text = ''
    for (let k = 0; k < ids.length; k++) {
      const token = this.#characters.get(ids[k]) ?? this.#specials.nameOf(ids[k])
      if (token === undefined) throw new TokenIdError('decode', ids[k], this.vocabSize)
      text += token
    }
    return text
  }

  idOf(token: string): number | undefined {
    return this.specialTokens.get(token) ?? this.#ids.get(token)
  }

  /** A tokenizer.json that other readers open too: BPE over characters without a single merge. */
  toJSON(): object {
    const vocab: [string, number][] = [...this.specialTokens, ...this.#ids]
    return {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [...this.specialTokens].map(([content, id]) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: { type: 'Fuse' },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: this.unknownToken ?? null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries(vocab.sort((a, b) => a[1] - b[1])),
        merges: [],
      },
    }
  }
}

function unknownCharacter(character: string): TokenizerError {
  const codePoint = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return new TokenizerError('UNKNOWN_CHARACTER', `encode: every character must be in the vocabulary, got ${JSON.stringify(character)} (U+${codePoint}); train on text that has it, or give an unknownToken`)
}
