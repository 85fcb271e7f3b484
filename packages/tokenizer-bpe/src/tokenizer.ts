// What every tokenizer of this package can do, and all that the packages above ask of one.

/** Which special tokens may appear in a text; 'all' or their names. */
export type SpecialTokenSet = 'all' | Iterable<string>

export interface EncodeOptions {
  /** Special tokens whose text becomes their id. Default: none. */
  allowedSpecial?: SpecialTokenSet
  /** Special tokens whose text is an error unless allowed. Default: all; with `[]` their text is encoded as any other. */
  disallowedSpecial?: SpecialTokenSet
  /** Whether the tokens that the tokenizer's template puts around a text, such as [CLS] and [SEP], are added. Default true; without a template there are none. */
  addSpecialTokens?: boolean
}

export interface Tokenizer {
  /** One more than the largest id. */
  readonly vocabSize: number
  /** Ids of the special tokens by their text. */
  readonly specialTokens: ReadonlyMap<string, number>
  encode(text: string, options?: EncodeOptions): Uint32Array
  decode(ids: ArrayLike<number>): string
  /** The id of a token by its text, special or not; undefined if there is none. */
  idOf(token: string): number | undefined
  /** A Hugging Face `tokenizer.json`, as an object for JSON.stringify. */
  toJSON(): object
}
