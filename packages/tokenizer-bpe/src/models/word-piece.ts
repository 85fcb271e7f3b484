// WordPiece (BERT): the longest token that begins the word, then the longest continuation, and so on; a word that cannot be
// spelled is unknown as a whole. Encode only.
import { TokenizerError } from '../errors.ts'
import type { Model } from './model.ts'

export interface WordPieceOptions {
  unknownToken?: string
  /** What continuations begin with. Default '##'. */
  prefix?: string
  /** Longer words, in characters, are unknown. Default 100. */
  maxCharacters?: number
}

export function wordPiece(vocab: ReadonlyMap<string, number>, { unknownToken = '[UNK]', prefix = '##', maxCharacters = 100 }: WordPieceOptions = {}): Model {
  const unknown = vocab.get(unknownToken)
  if (unknown === undefined) throw new TokenizerError('INVALID_VOCABULARY', `WordPiece: the unknown token must be in the vocabulary, got ${JSON.stringify(unknownToken)}`)
  return {
    vocab,
    encode(piece, out) {
      const characters = [...piece]
      if (characters.length > maxCharacters) {
        out.push(unknown)
        return
      }
      const ids: number[] = []
      for (let start = 0; start < characters.length;) {
        let end = characters.length
        let id: number | undefined
        for (; end > start; end--) {
          id = vocab.get((start > 0 ? prefix : '') + characters.slice(start, end).join(''))
          if (id !== undefined) break
        }
        if (id === undefined) {
          out.push(unknown)
          return
        }
        ids.push(id)
        start = end
      }
      for (const id of ids) out.push(id)
    },
  }
}
