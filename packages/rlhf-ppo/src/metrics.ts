// What one PPO update reports, under TRL's names. Averages over all minibatches of all epochs carry _avg, as there.
import { moments } from './advantage.js'
import type { AdvantageBatch } from './experience.js'

export interface PpoMetrics {
  /** Σ over tokens of log π/π_ref, mean over responses. */
  readonly 'objective/kl': number
  /** Σ over tokens of −log π, mean over responses. */
  readonly 'objective/entropy': number
  /** Mean of the KL part of the reward. */
  readonly 'objective/non_score_reward': number
  /** Mean of score and KL part together: what is being maximised. */
  readonly 'objective/rlhf_reward': number
  /** Mean score, after what a missing end costs. */
  readonly 'objective/scores': number
  readonly 'objective/kl_coef': number
  readonly 'policy/approxkl_avg': number
  readonly 'policy/clipfrac_avg': number
  /** Mean entropy of the next-token distribution on response tokens. */
  readonly 'policy/entropy_avg': number
  readonly 'loss/policy_avg': number
  readonly 'loss/value_avg': number
  readonly 'val/clipfrac_avg': number
  /** Mean of π/π_old over response tokens. */
  readonly 'val/ratio': number
  /** Variance of that mean between minibatches. */
  readonly 'val/ratio_var': number
  /** Responses that ended by themselves. */
  readonly 'val/num_eos_tokens': number
  readonly 'val/returns_mean': number
  readonly 'val/returns_var': number
  /** 1 − mean squared error of the values / variance of the returns: 1 is a perfect critic, 0 a useless one. */
  readonly 'val/var_explained': number
  /** Norm of the gradient before clipping. */
  readonly 'grad_norm_avg': number
  readonly lr: number
  /** Responses sampled so far. */
  readonly episode: number
}

/** What the compiled update gives for each minibatch, in this order. */
export const minibatchMetricNames = ['loss/policy', 'loss/value', 'policy/approxkl', 'policy/clipfrac', 'policy/entropy', 'val/clipfrac', 'val/ratio', 'grad_norm'] as const

export type MinibatchMetrics = Readonly<Record<(typeof minibatchMetricNames)[number], number>>

export function summarize(batch: AdvantageBatch, minibatches: readonly MinibatchMetrics[], { learningRate, episode }: { learningRate: number; episode: number }): PpoMetrics {
  const { experiences } = batch
  const overResponses = (value: (experience: AdvantageBatch['experiences'][number]) => number): number => average(experiences.map(value))
  const overMinibatches = (name: keyof MinibatchMetrics): number => average(minibatches.map(metrics => metrics[name]))
  const kl = overResponses(({ logProbs, referenceLogProbs }) => total(logProbs) - total(referenceLogProbs))
  const nonScore = overResponses(({ penalties }) => total(penalties))
  const scores = overResponses(({ score }) => score)
  const returns = moments(experiences.flatMap(experience => Array.from(experience.returns)))
  const error = average(experiences.flatMap(({ returns: target, values }) => Array.from(target, (value, t) => (value - values[t]) ** 2)))
  return {
    'objective/kl': kl,
    'objective/entropy': overResponses(({ logProbs }) => -total(logProbs)),
    'objective/non_score_reward': nonScore,
    'objective/rlhf_reward': nonScore + scores,
    'objective/scores': scores,
    'objective/kl_coef': batch.klCoefficient,
    'policy/approxkl_avg': overMinibatches('policy/approxkl'),
    'policy/clipfrac_avg': overMinibatches('policy/clipfrac'),
    'policy/entropy_avg': overMinibatches('policy/entropy'),
    'loss/policy_avg': overMinibatches('loss/policy'),
    'loss/value_avg': overMinibatches('loss/value'),
    'val/clipfrac_avg': overMinibatches('val/clipfrac'),
    'val/ratio': overMinibatches('val/ratio'),
    'val/ratio_var': moments(minibatches.map(metrics => metrics['val/ratio']), undefined, true).variance,
    'val/num_eos_tokens': experiences.filter(({ sample }) => sample.ended).length,
    'val/returns_mean': returns.mean,
    'val/returns_var': returns.variance,
    'val/var_explained': returns.variance === 0 ? 0 : 1 - error / returns.variance,
    'grad_norm_avg': overMinibatches('grad_norm'),
    lr: learningRate,
    episode,
  }
}

const total = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return sum
}

const average = (values: readonly number[]): number => (values.length === 0 ? 0 : total(values) / values.length)
