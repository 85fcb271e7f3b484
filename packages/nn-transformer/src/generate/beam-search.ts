// Beam search: the best few beginnings are kept and all extended together. Knows no model: it asks for logits of given rows.
import { topTokens } from './sampling.js'

export interface BeamSearchOptions {
  beams: number
  maxLength: number
  endToken: number
  /** α of ((5 + length) / 6)^α, by which a finished text's log-probability is divided. 0: the longer the worse. arXiv 1609.08144, eq. 14. */
  lengthPenalty?: number
}

export interface Hypothesis {
  /** With the start token and, if it came to an end, the end token. */
  readonly tokens: readonly number[]
  /** Natural log of the text's probability. */
  readonly logProb: number
  /** logProb over the length penalty: what hypotheses are ordered by. */
  readonly score: number
}

/** Length: new tokens, the end token included. */
export const lengthPenaltyOf = (length: number, alpha: number): number => ((5 + length) / 6) ** alpha

/**
 * The best texts, best first: at most `beams`.
 *
 * @param start what all texts begin with
 * @param nextLogits logits of the token after each row; rows are equally long. `sources[i]` says which row of the call before row i continues.
 * @example
 * const [best] = await beamSearch([BOS], rows => logitsOf(rows), { beams: 4, maxLength: 20, endToken: EOS, lengthPenalty: 0.6 })
 */
export async function beamSearch(start: readonly number[], nextLogits: (rows: readonly (readonly number[])[], sources: readonly number[]) => Promise<ArrayLike<number>>, { beams, maxLength, endToken, lengthPenalty = 0.6 }: BeamSearchOptions): Promise<Hypothesis[]> {
  const score = (tokens: readonly number[], logProb: number): number => logProb / lengthPenaltyOf(tokens.length - start.length, lengthPenalty)
  let open: { tokens: readonly number[]; logProb: number; source: number }[] = [{ tokens: start, logProb: 0, source: 0 }]
  const finished: Hypothesis[] = []
  const keep = (hypothesis: Hypothesis): void => {
    finished.push(hypothesis)
    finished.sort((a, b) => b.score - a.score)
    finished.splice(beams)
  }
  while (open.length > 0 && open[0].tokens.length < maxLength) {
    const logits = await nextLogits(open.map(beam => beam.tokens), open.map(beam => beam.source))
    const candidates = extend(open, logits, 2 * beams)   // twice as many: at most half of them can end here
    open = []
    for (const { tokens, logProb, source } of candidates) {
      if (tokens[tokens.length - 1] === endToken) keep({ tokens, logProb, score: score(tokens, logProb) })
      else if (open.length < beams) open.push({ tokens, logProb, source })
    }
    // log-probabilities only fall, so that no open beam can end better than it would at full length from here
    const hope = open.length === 0 ? -Infinity : open[0].logProb / lengthPenaltyOf(lengthPenalty > 0 ? maxLength - start.length : 1, lengthPenalty)
    if (finished.length === beams && finished[beams - 1].score >= hope) return finished
  }
  for (const { tokens, logProb } of open) keep({ tokens, logProb, score: score(tokens, logProb) })
  return finished
}

/** The likeliest continuations of all rows by one token, best first. */
function extend(open: readonly { tokens: readonly number[]; logProb: number }[], logits: ArrayLike<number>, count: number): { tokens: readonly number[]; logProb: number; source: number }[] {
  const V = Math.floor(logits.length / open.length)
  const scores = new Float64Array(open.length * V)
  open.forEach(({ logProb }, row) => {
    let max = -Infinity
    for (let v = 0; v < V; v++) max = Math.max(max, logits[row * V + v])
    let total = 0
    for (let v = 0; v < V; v++) total += Math.exp(logits[row * V + v] - max)
    for (let v = 0; v < V; v++) scores[row * V + v] = logProb + logits[row * V + v] - max - Math.log(total)
  })
  return topTokens(scores, count).map(place => {
    const row = Math.floor(place / V)
    return { tokens: [...open[row].tokens, place % V], logProb: scores[place], source: row }
  })
}
