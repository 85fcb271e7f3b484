// What a model must beat: a 5-gram model of bytes with Witten-Bell smoothing, counted on the same text and scored on the same held-out part.
import { evaluationOf, NGram, type Evaluation } from '@abovo/nn-transformer'
import type { SplitText } from '../text/corpus.js'

export const BASELINE_ORDER = 5

/** Bytes, because then no held-out symbol is unknown. */
export function evaluateBaseline({ train, heldOut }: SplitText): Evaluation {
  const encoder = new TextEncoder()
  const scored = encoder.encode(heldOut)
  const model = new NGram({ order: BASELINE_ORDER, vocabSize: 256 }).count(encoder.encode(train))
  // the first byte has nothing before it
  return evaluationOf(model.natsOf(scored), scored.length - 1, heldOut.slice(1))
}
