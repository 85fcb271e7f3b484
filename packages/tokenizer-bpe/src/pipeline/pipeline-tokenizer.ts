// A tokenizer made of Hugging Face's parts: added tokens, normalizer, pre-tokenizer, model, post-processor, decoder.
import { TokenIdError, TokenizerError } from '../errors.ts'
import { SpecialTokens } from '../special-tokens.ts'
import { wellFormed } from '../text/utf8.ts'
import type { EncodeOptions, SpecialTokenSet, Tokenizer } from '../tokenizer.ts'
import { type AddedToken, splitAtAdded } from './added-tokens.ts'
import type { Decoder } from './decoders.ts'
import type { Normalizer } from './normalizers.ts'
import { type PostProcessor, type Segments, joined } from './post-processor.ts'

/** Ids of a normalized stretch of text; `first` if it begins where the whole text does. */
export type StretchEncoder = (text: string, first: boolean, out: number[]) => void

export interface PipelineParts {
  /** The tokenizer.json it came from, if it did. */
  file: object | undefined
  addedTokens: readonly AddedToken[]
  normalizer: Normalizer | undefined
  encodeStretch: StretchEncoder
  vocab: ReadonlyMap<string, number>
  postProcessors: readonly PostProcessor[]
  decoder: Decoder | undefined
}

export interface PipelineDecodeOptions {
  /** Leave special tokens out of the text. Default false. */
  skipSpecialTokens?: boolean
}

export interface EncodedPair {
  ids: Uint32Array
  /** 0 for what belongs to the first text, 1 for the second, as the template says. */
  typeIds: Uint8Array
}

export class PipelineTokenizer implements Tokenizer {
  readonly vocabSize: number
  readonly specialTokens: ReadonlyMap<string, number>
  readonly #parts: PipelineParts
  readonly #specials: SpecialTokens
  readonly #tokens = new Map<number, string>()
  readonly #added = new Map<string, AddedToken>()
  readonly #normalizedAdded = new Map<string, string>()   // what to look for in normalized text → content

  constructor(parts: PipelineParts) {
    this.#parts = parts
    for (const [token, id] of parts.vocab) this.#tokens.set(id, token)
    const specials: [string, number][] = []
    for (const token of parts.addedTokens) {
      this.#tokens.set(token.id, token.content)
      this.#added.set(token.content, token)
      if (token.special) specials.push([token.content, token.id])
      if (token.normalized) this.#normalizedAdded.set(parts.normalizer?.(token.content) ?? token.content, token.content)
    }
    this.#specials = new SpecialTokens(specials)
    this.specialTokens = this.#specials.ids
    let size = 0
    for (const id of this.#tokens.keys()) size = Math.max(size, id + 1)
    this.vocabSize = size
  }

  /**
   * The ids of a text, with the template's tokens around them unless `addSpecialTokens` is false.
   * Throws TokenizerError 'SPECIAL_TOKEN_IN_TEXT' for a special token in the text that is not allowed.
   */
  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    return Uint32Array.from(this.#template(options, this.#sequence(text, options)).ids)
  }

  /** The ids of two texts that belong together, such as a question and a passage. */
  encodePair(first: string, second: string, options: EncodeOptions = {}): EncodedPair {
    const { ids, typeIds } = this.#template(options, this.#sequence(first, options), this.#sequence(second, options))
    return { ids: Uint32Array.from(ids), typeIds: Uint8Array.from(typeIds) }
  }

  /** The text of ids. Throws TokenIdError, a RangeError, for an id that no token has. */
  decode(ids: ArrayLike<number>, { skipSpecialTokens = false }: PipelineDecodeOptions = {}): string {
    const tokens: string[] = []
    for (let k = 0; k < ids.length; k++) {
      const token = this.#tokens.get(ids[k])
      if (token === undefined) throw new TokenIdError('decode', ids[k], this.vocabSize)
      if (!skipSpecialTokens || this.#specials.nameOf(ids[k]) === undefined) tokens.push(token)
    }
    const { decoder } = this.#parts
    return decoder === undefined ? tokens.join(' ') : decoder(tokens).join('')
  }

  idOf(token: string): number | undefined {
    return this.#added.get(token)?.id ?? this.#parts.vocab.get(token)
  }

  /** The token of an id as the vocabulary spells it; undefined if there is none. */
  tokenOf(id: number): string | undefined {
    return this.#tokens.get(id)
  }

  toJSON(): object {
    if (this.#parts.file === undefined) throw new TokenizerError('INVALID_FORMAT', 'toJSON: the tokenizer must come from a tokenizer.json, got one of another format; keep its own file')
    return this.#parts.file
  }

  #template({ addSpecialTokens = true }: EncodeOptions, a: Segments, b?: Segments): Segments {
    const { postProcessors } = this.#parts
    if (!addSpecialTokens || postProcessors.length === 0) return joined(a, b)
    const [first, ...rest] = postProcessors
    return rest.reduce((segments, processor) => processor.process(segments), first.process(a, b))
  }

  #sequence(source: string, options: EncodeOptions): Segments {
    const text = wellFormed(source)
    const allowed = this.#allowed(text, options)
    const wanted = (token: AddedToken): boolean => !token.special || allowed === 'all' || allowed.has(token.content)
    const ids: number[] = []
    const asIs = new Map([...this.#added].filter(([, token]) => !token.normalized && wanted(token)))
    const normalized = new Map<string, AddedToken>()
    for (const [content, original] of this.#normalizedAdded) {
      const token = this.#added.get(original)
      if (token !== undefined && wanted(token)) normalized.set(content, token)
    }
    for (const { start, end, token } of splitAtAdded(text, asIs)) {
      if (token !== undefined) ids.push(token.id)
      else this.#plain(text.slice(start, end), start === 0, normalized, ids)
    }
    return { ids, typeIds: ids.map(() => 0) }
  }

  #plain(text: string, first: boolean, added: ReadonlyMap<string, AddedToken>, ids: number[]): void {
    const normalized = this.#parts.normalizer?.(text) ?? text
    for (const { start, end, token } of splitAtAdded(normalized, added)) {
      if (token !== undefined) ids.push(token.id)
      else this.#parts.encodeStretch(normalized.slice(start, end), first && start === 0, ids)
    }
  }

  /** The special tokens that are looked for. */
  #allowed(text: string, { allowedSpecial = [], disallowedSpecial = 'all' }: EncodeOptions): 'all' | ReadonlySet<string> {
    if (allowedSpecial === 'all') return 'all'
    const allowed = new Set<string>(allowedSpecial)
    const disallowed: SpecialTokenSet = disallowedSpecial === 'all' ? 'all' : [...disallowedSpecial]
    // checks the names and refuses what is disallowed
    this.#specials.split(text, { allowedSpecial: allowed, disallowedSpecial: disallowed })
    return allowed
  }
}

/** Why a list is needed and not a spread: ids of long texts overflow the stack. */
export function appendAll(out: number[], ids: ArrayLike<number>): void {
  for (let k = 0; k < ids.length; k++) out.push(ids[k])
}

