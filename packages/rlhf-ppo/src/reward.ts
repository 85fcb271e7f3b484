// A reward is any function of samples, or anything that scores them (a reward model). Whatever goes wrong in it names the sample.
import { RewardError } from './errors.js'
import type { Sample } from './sample.js'
import type { ScalarGpt } from './scalar-gpt.js'

/** One number per sample, in order. */
export type RewardFunction = (samples: readonly Sample[]) => ArrayLike<number> | Promise<ArrayLike<number>>

export interface Scorer {
  /** The network behind the scores: value networks start from it. */
  readonly model?: ScalarGpt
  score(samples: readonly Sample[]): Promise<ArrayLike<number>>
}

export type Reward = RewardFunction | Scorer

/**
 * The reward of every sample, checked.
 *
 * @throws RewardError naming the first sample for which the reward throws (with the error as its cause) or is not a finite number.
 */
export async function scoreSamples(reward: Reward, samples: readonly Sample[]): Promise<Float64Array> {
  const call = async (part: readonly Sample[]): Promise<ArrayLike<number>> => (typeof reward === 'function' ? reward(part) : reward.score(part))
  let scores: ArrayLike<number>
  try {
    scores = await call(samples)
  } catch (cause) {
    throw await blame(call, samples, cause)
  }
  if (scores === undefined || scores === null) throw new RewardError(null, `reward: there must be one number per sample, got ${scores}; does the function return them?`)
  if (scores.length !== samples.length) throw new RewardError(null, `reward: there must be one number per sample, got ${scores.length} for ${samples.length} samples`)
  for (let i = 0; i < samples.length; i++)
    if (!Number.isFinite(scores[i])) throw new RewardError(i, `reward: scores must be finite numbers, got ${scores[i]} for ${name(samples, i)}`)
  return Float64Array.from(scores)
}

/** Finds the sample by halves: the reward is called again on at most as many samples as there were. */
async function blame(call: (part: readonly Sample[]) => Promise<unknown>, samples: readonly Sample[], first: unknown): Promise<RewardError> {
  let cause = first
  let start = 0
  let length = samples.length
  while (length > 1) {
    const half = length >> 1
    try {
      await call(samples.slice(start, start + half))
      start += half
      length -= half
    } catch (error) {
      cause = error
      length = half
    }
  }
  return new RewardError(start, `reward: the function must return a number, threw ${cause instanceof Error ? cause.message : String(cause)} for ${name(samples, start)}`, { cause })
}

function name(samples: readonly Sample[], i: number): string {
  const { prompt, response } = samples[i] ?? { prompt: '', response: '' }
  const short = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
  return `sample ${i} (prompt ${short(prompt)}, response ${short(response)})`
}

/** What becomes of a score when the response did not end by itself. Two customs that are easily confused; at most one may be given. */
export interface MissingEnd {
  /** Taken off the score (TRL's missing_eos_penalty). */
  penalty?: number
  /** Put in place of the score (−1 in lm-human-preferences). */
  replacement?: number
}

export function withMissingEnd(scores: Float64Array, samples: readonly Sample[], { penalty = 0, replacement }: MissingEnd): Float64Array {
  return scores.map((score, i) => (samples[i].ended ? score : (replacement ?? score - penalty)))
}
