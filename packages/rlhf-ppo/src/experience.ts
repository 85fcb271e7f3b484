// What a policy lived through: a sampled response, what models and reward say of it, and what it is worth per token. Each stage of PPO adds
// fields: rollout → score → advantages. One array entry per response token, no padding.
import { generalizedAdvantages, whiten, type GaeOptions } from './advantage.js'
import { klEstimate, type KlEstimator } from './kl.js'
import type { Sample } from './sample.js'

/** After the rollout. */
export interface Rollout {
  readonly samples: readonly Sample[]
  /** log π of each token as it was sampled, at the sampling temperature. */
  readonly sampledLogProbs: readonly Float64Array[]
}

/** After scoring. */
export interface ScoredExperience {
  readonly sample: Sample
  readonly score: number
  /** log π, log π_ref and V before each response token, by one full pass over the response. */
  readonly logProbs: Float64Array
  readonly referenceLogProbs: Float64Array
  readonly values: Float64Array
}

export interface ScoredBatch {
  readonly experiences: readonly ScoredExperience[]
}

/** After the advantages. */
export interface Experience extends ScoredExperience {
  /** −β·KL of each token: the part of the reward that is not the score. */
  readonly penalties: Float64Array
  readonly advantages: Float64Array
  readonly returns: Float64Array
}

export interface AdvantageBatch {
  readonly experiences: readonly Experience[]
  readonly klCoefficient: number
}

export interface AdvantageOptions extends GaeOptions {
  klCoefficient: number
  klEstimator?: KlEstimator
  /** Scale rewards to variance 1, keeping their mean (lm-human-preferences; off in TRL). */
  whitenRewards?: boolean
  /** Which variance whitens the advantages: biased as in lm-human-preferences, unbiased as in TRL, or none. */
  whitenAdvantages?: 'biased' | 'unbiased' | 'off'
}

/** Rewards −β·KL with the score on the last token (arXiv 1909.08593, eq. 2), then GAE, then whitening over all tokens of the batch. */
export function withAdvantages(batch: ScoredBatch, { klCoefficient, klEstimator = 'k1', whitenRewards = false, whitenAdvantages = 'biased', gamma = 1, lambda = 0.95 }: AdvantageOptions): AdvantageBatch {
  const penalties = batch.experiences.map(({ logProbs, referenceLogProbs }) => logProbs.map((logProb, t) => -klCoefficient * klEstimate(logProb, referenceLogProbs[t], klEstimator)))
  const rewards = batch.experiences.map(({ score }, b) => penalties[b].map((penalty, t) => (t === penalties[b].length - 1 ? penalty + score : penalty)))
  const scaled = whitenRewards ? whitenRows(rewards, { shiftMean: false }) : rewards
  const estimates = batch.experiences.map(({ values }, b) => generalizedAdvantages(scaled[b], values, { gamma, lambda }))
  const advantages = estimates.map(estimate => estimate.advantages)
  const whitened = whitenAdvantages === 'off' ? advantages : whitenRows(advantages, { unbiased: whitenAdvantages === 'unbiased' })
  return {
    klCoefficient,
    experiences: batch.experiences.map((experience, b) => ({ ...experience, penalties: penalties[b], advantages: whitened[b], returns: estimates[b].returns })),
  }
}

/** Whitening over all tokens of all rows together. */
function whitenRows(rows: readonly Float64Array[], options: { shiftMean?: boolean; unbiased?: boolean }): Float64Array[] {
  const flat = whiten(rows.flatMap(row => Array.from(row)), options)
  let start = 0
  return rows.map(row => flat.slice(start, (start += row.length)))
}
