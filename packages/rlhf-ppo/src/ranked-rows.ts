// Rankings as a flat list of answers and a list of pairs of them. Scores of answers do not depend on each other, so each is computed once,
// however many pairs it stands in.
import { tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import type { Example, RankedExample } from './demonstration.js'
import { OptionError } from './errors.js'

export interface RankedPair {
  /** Rows of the two answers. */
  readonly better: number
  readonly worse: number
  readonly margin: number
  /** All weights of a batch add up to 1. */
  readonly weight: number
}

export function rankedRows(preferences: readonly RankedExample[]): { examples: Example[]; pairs: RankedPair[] } {
  const examples: Example[] = []
  const pairs: RankedPair[] = []
  preferences.forEach(({ prompt, completions, margin = 0 }, i) => {
    const K = completions.length
    if (K < 2) throw new OptionError(`training: a preference must have 2 or more answers, got ${K} in row ${i}`)
    const first = examples.length
    const weight = 1 / ((K * (K - 1)) / 2) / preferences.length   // 1 / C(K, 2), mean over prompts
    for (let a = 0; a < K; a++) for (let b = a + 1; b < K; b++) pairs.push({ better: first + a, worse: first + b, margin, weight })
    examples.push(...completions.map(completion => ({ prompt, completion })))
  })
  return { examples, pairs }
}

/** Each (P). */
export interface PairTensors {
  readonly better: Tensor
  readonly worse: Tensor
  readonly margin: Tensor
  readonly weight: Tensor
}

export const pairTensors = (pairs: readonly RankedPair[], device: Device): PairTensors => ({
  better: tensor(Int32Array.from(pairs, pair => pair.better), { device }),
  worse: tensor(Int32Array.from(pairs, pair => pair.worse), { device }),
  margin: tensor(Float64Array.from(pairs, pair => pair.margin), { device }),
  weight: tensor(Float64Array.from(pairs, pair => pair.weight), { device }),
})
