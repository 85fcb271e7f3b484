// Unigram (SentencePiece): of all ways to spell a text in tokens, the one of the highest total score (Viterbi). Encode only.
import { utf8Of } from '../text/utf8.ts'
import { type Model, Unknowns } from './model.ts'

// what an unknown character costs beyond the worst token, as in SentencePiece
const UNKNOWN_PENALTY = 10

interface TrieNode {
  id: number   // -1 for a beginning that is no token
  next: Map<number, TrieNode>
}

export interface UnigramOptions {
  unknownId: number | undefined
  byteFallback: boolean
  /** Whether unknown characters in a row are one unknown token. Default true. */
  fuseUnknown?: boolean
  /** The lowest score of a token, if not of all in the list. */
  worst?: number
  /** Ids of byte tokens by their text, if they are not in the list under it. */
  byteIds?: ReadonlyMap<string, number>
}

/** @param tokens text and score (log probability) of each id */
export function unigram(tokens: readonly (readonly [string, number])[], { unknownId, byteFallback, fuseUnknown = true, worst: givenWorst, byteIds }: UnigramOptions): Model {
  const vocab = new Map<string, number>()
  const root: TrieNode = { id: -1, next: new Map() }
  let worst = Infinity
  for (const [id, [token, score]] of tokens.entries()) {
    if (token === '') continue   // a piece that never comes from text
    vocab.set(token, id)
    worst = Math.min(worst, score)
    let node = root
    for (const character of token) {
      const codePoint = character.codePointAt(0) ?? 0
      let next = node.next.get(codePoint)
      if (next === undefined) node.next.set(codePoint, next = { id: -1, next: new Map() })
      node = next
    }
    node.id = id
  }
  const unknowns = new Unknowns(byteIds ?? vocab, { id: unknownId, fuse: fuseUnknown, byteFallback })
  const unknownScore = (givenWorst ?? worst) - UNKNOWN_PENALTY

  return {
    vocab,
    encode(piece, out) {
      const characters = Array.from(piece, (character) => character.codePointAt(0) ?? 0)
      const parts = bestPath(characters, root, tokens, unknownScore)
      for (let k = 0; k < parts.length; k++) {
        const part = parts[k]
        if (part.id >= 0) {
          out.push(part.id)
          continue
        }
        let end = part.end
        if (unknowns.fuse) while (k + 1 < parts.length && parts[k + 1].id < 0) end = parts[++k].end
        const text = characters.slice(part.start, end).map((codePoint) => String.fromCodePoint(codePoint)).join('')
        const bytes = unknowns.byteIds(utf8Of(text))
        if (bytes !== undefined) for (const id of bytes) out.push(id)
        else if (unknowns.id !== undefined) out.push(unknowns.id)
      }
    },
  }
}

function bestPath(characters: readonly number[], root: TrieNode, tokens: readonly (readonly [string, number])[], unknownScore: number): { start: number; end: number; id: number }[] {
  const length = characters.length
  const scores = new Float64Array(length + 1).fill(-Infinity)
  const starts = new Int32Array(length + 1).fill(-1)
  const ids = new Int32Array(length + 1).fill(-1)
  scores[0] = 0
  const offer = (start: number, end: number, id: number, score: number): void => {
    if (starts[end] >= 0 && score <= scores[end]) return
    scores[end] = score
    starts[end] = start
    ids[end] = id
  }
  for (let start = 0; start < length; start++) {
    let single = false
    let node: TrieNode | undefined = root
    for (let end = start; end < length; end++) {
      node = node.next.get(characters[end])
      if (node === undefined) break
      if (node.id < 0) continue
      offer(start, end + 1, node.id, scores[start] + tokens[node.id][1])
      if (end === start) single = true
    }
    if (!single) offer(start, start + 1, -1, scores[start] + unknownScore)
  }
  const parts: { start: number; end: number; id: number }[] = []
  for (let end = length; end > 0; end = starts[end]) parts.push({ start: starts[end], end, id: ids[end] })
  return parts.reverse()
}
