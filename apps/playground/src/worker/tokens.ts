// The tokenizer of a text, trained by pair merges, and what the text looks like after any number of them.
import { BpeTokenizer, loadTokenizer, trainBpe, type Tokenizer } from '@abovo/tokenizer-bpe'
import type { Piece, TokenReport } from '../protocol.ts'

export const SEPARATOR = '<|endoftext|>'

export function trainTokenizer(text: string, vocabSize: number, onProgress: (merges: number, wanted: number) => void): BpeTokenizer {
  let shown = performance.now()
  return trainBpe(text, {
    vocabSize,
    specialTokens: [SEPARATOR],
    minFrequency: 2,
    onProgress: ({ merges, wanted }) => {
      if (performance.now() - shown < 50) return
      shown = performance.now()
      onProgress(merges, wanted)
    },
  })
}

export const tokenizerToBytes = (tokenizer: Tokenizer): Uint8Array => new TextEncoder().encode(JSON.stringify(tokenizer.toJSON()))

export const tokenizerFromBytes = (bytes: Uint8Array): Tokenizer => loadTokenizer(new TextDecoder().decode(bytes))

/** What is encoded is text: a separator written out in it is no separator. */
export const idsOf = (tokenizer: Tokenizer, text: string): Uint32Array => tokenizer.encode(text, { disallowedSpecial: [] })

export function reportTokens(tokenizer: Tokenizer, { tokens, characters }: { tokens: number; characters: number }): TokenReport {
  const merges = tokenizer instanceof BpeTokenizer ? tokenizer.pairs.list().length / 3 : 0
  return { vocabSize: tokenizer.vocabSize, merges, tokens, charactersPerToken: characters / tokens }
}

/** The tokenizer as it was after its first merges: their ids follow those of the bytes, in order. */
export function afterMerges(tokenizer: BpeTokenizer, merges: number): BpeTokenizer {
  const list = tokenizer.pairs.list()
  if (merges * 3 >= list.length) return tokenizer
  const file: { model: { vocab: Record<string, number>; merges: unknown[] } } = JSON.parse(JSON.stringify(tokenizer.toJSON()))
  const limit = list[merges * 3 + 2]
  file.model.merges.length = merges
  file.model.vocab = Object.fromEntries(Object.entries(file.model.vocab).filter(([, id]) => id < limit))
  const earlier = loadTokenizer(file)
  return earlier instanceof BpeTokenizer ? earlier : tokenizer
}

/** The text of the token that merge number `merges` made. */
export function newestToken(tokenizer: BpeTokenizer, merges: number): string | null {
  const list = tokenizer.pairs.list()
  return merges < 1 || merges * 3 > list.length ? null : pieceOf(tokenizer, list[merges * 3 - 1]).text
}

export const piecesOf = (tokenizer: ByteTokens, ids: Iterable<number>): Piece[] => Array.from(ids, id => pieceOf(tokenizer, id))

interface ByteTokens {
  bytesOf(id: number): Uint8Array
}

/** A token that is no whole characters is shown by its bytes. */
function pieceOf(tokenizer: ByteTokens, id: number): Piece {
  const bytes = tokenizer.bytesOf(id)
  try {
    return { id, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), whole: true }
  } catch {
    return { id, text: Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('·'), whole: false }
  }
}
