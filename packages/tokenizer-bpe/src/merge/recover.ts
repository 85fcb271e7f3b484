// The merges behind a vocabulary that lists only tokens and their ranks, as .tiktoken files do: what made each token is what
// remains of its bytes when only earlier tokens may merge.
import type { Vocabulary } from '../vocabulary.ts'

/** Left id, right id and merged id of every merge in order; tokens that no two earlier tokens make are left out. */
export function recoverMerges(vocabulary: Vocabulary): Int32Array {
  const merges: number[] = []
  const symbols: number[] = []
  const ranks: number[] = []   // id that the pair at a place merges into
  for (let id = 0; id < vocabulary.size; id++) {
    const length = vocabulary.lengths[id]
    if (length < 2) continue
    const start = vocabulary.starts[id]
    symbols.length = ranks.length = 0
    for (let at = start; at < start + length; at++) symbols.push(vocabulary.find(vocabulary.bytes, at, at + 1))
    if (symbols.includes(-1)) continue
    const rank = (place: number): number => {
      const found = vocabulary.findConcatenation(symbols[place], symbols[place + 1])
      return found < 0 || found >= id ? Infinity : found
    }
    for (let place = 0; place + 1 < symbols.length; place++) ranks.push(rank(place))
    while (symbols.length > 2) {
      const best = ranks.reduce((least, other) => Math.min(least, other), Infinity)
      if (best === Infinity) break
      const place = ranks.indexOf(best)
      symbols.splice(place, 2, best)
      ranks.splice(place, 1)
      if (place > 0) ranks[place - 1] = rank(place - 1)
      if (place < ranks.length) ranks[place] = rank(place)
    }
    if (symbols.length === 2) merges.push(symbols[0], symbols[1], id)
  }
  return Int32Array.from(merges)
}
