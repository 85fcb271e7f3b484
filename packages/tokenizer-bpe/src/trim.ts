// A smaller vocabulary out of a larger one: the last merges go, what they made falls back to earlier tokens.
import { BpeTokenizer } from './bpe-tokenizer.ts'
import { TokenizerError } from './errors.ts'
import { ListedPairs } from './merge/pairs.ts'
import { vocabularyOf } from './vocabulary.ts'

/**
 * The tokenizer after its first merges only, with `vocabSize` tokens, special ones included; they keep their order and get ids
 * without gaps where tokens before them went.
 *
 * @throws TokenizerError 'INVALID_OPTION' if the bytes and special tokens alone are more
 */
export function trimVocabulary(tokenizer: BpeTokenizer, vocabSize: number): { tokenizer: BpeTokenizer; oldIds: Uint32Array } {
  const { vocabulary, pairs, splitter, specialTokens, wholePieces } = tokenizer
  const merges = pairs.list()
  const made = new Map<number, number>()   // rank of the merge that makes an id
  for (let k = 0; k < merges.length; k += 3) if (!made.has(merges[k + 2])) made.set(merges[k + 2], k / 3)
  const ids: number[] = []
  for (let id = 0; id < vocabulary.size; id++) if (vocabulary.has(id) && !made.has(id)) ids.push(id)
  const special = new Set(specialTokens.values())
  const basic = ids.length + special.size
  if (!Number.isInteger(vocabSize) || vocabSize < basic) throw new TokenizerError('INVALID_OPTION', `trimVocabulary: vocabSize must hold the ${basic} tokens that no merge makes, got ${vocabSize}`)
  const keptMade = [...made].sort((a, b) => a[1] - b[1]).slice(0, vocabSize - basic).map(([id]) => id)
  const oldIds = Uint32Array.from([...ids, ...special, ...keptMade]).sort()
  const newIds = new Map(Array.from(oldIds, (old, id) => [old, id]))
  const keptMerges: number[] = []
  for (let k = 0; k < merges.length; k += 3) {
    const triple = [merges[k], merges[k + 1], merges[k + 2]].map((old) => newIds.get(old))
    if (!triple.includes(undefined)) for (const id of triple) keptMerges.push(id ?? 0)
  }
  const tokens = Array.from(oldIds, (old) => vocabulary.has(old) && !special.has(old) ? vocabulary.bytesOf(old) : undefined)
  return {
    tokenizer: new BpeTokenizer({
      vocabulary: vocabularyOf(tokens),
      pairs: new ListedPairs(Int32Array.from(keptMerges)),
      splitter, wholePieces,
      specialTokens: [...specialTokens].map(([name, old]) => [name, newIds.get(old) ?? 0] as const),
    }),
    oldIds,
  }
}
