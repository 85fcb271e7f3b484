// What this package throws. Every error has a `code` to branch on and a message `where: what must hold, got what; remedy`.

export type TokenizerErrorCode =
  | 'SPECIAL_TOKEN_IN_TEXT'
  | 'UNKNOWN_SPECIAL_TOKEN'
  | 'UNKNOWN_CHARACTER'
  | 'INVALID_OPTION'
  | 'INVALID_VOCABULARY'
  | 'INVALID_MERGES'
  | 'INVALID_FORMAT'
  | 'UNSUPPORTED_COMPONENT'
  | 'UNSUPPORTED_PATTERN'
  | 'PATTERN_TOO_SLOW'
  | 'INVALID_UTF8'

/** Any failure of this package that is not an id out of range. */
export class TokenizerError extends Error {
  override readonly name = 'TokenizerError'
  readonly code: TokenizerErrorCode

  constructor(code: TokenizerErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** An id that no token has: negative, fractional, not a number, or beyond the vocabulary. */
export class TokenIdError extends RangeError {
  override readonly name = 'TokenIdError'
  readonly code = 'TOKEN_ID'
  readonly id: number
  readonly vocabSize: number

  constructor(where: string, id: number, vocabSize: number) {
    super(`${where}: ids must be whole numbers of tokens in the vocabulary of ${vocabSize}, got ${String(id)}`)
    this.id = id
    this.vocabSize = vocabSize
  }
}
