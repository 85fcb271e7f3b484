// Word level: a piece is a token or it is unknown.
import { TokenizerError } from '../errors.ts'
import type { Model } from './model.ts'

export function wordLevel(vocab: ReadonlyMap<string, number>, unknownToken: string): Model {
  const unknown = vocab.get(unknownToken)
  return {
    vocab,
    encode(piece, out) {
      const id = vocab.get(piece) ?? unknown
      if (id === undefined) throw new TokenizerError('UNKNOWN_CHARACTER', `WordLevel: a piece must be in the vocabulary, got ${JSON.stringify(piece)} and no unknown token ${JSON.stringify(unknownToken)}`)
      out.push(id)
    },
  }
}
