// How far the policy has gone from its reference: three estimators of KL(π‖π_ref) from samples of π (J. Schulman, "Approximating KL
// divergence", 2020) and the controller of the penalty's coefficient (arXiv 1909.08593, section 2.2).
import type { Tensor } from '@abovo/tensor-webgpu'

/** k1: log π/π_ref, unbiased, may be negative. k2: half its square, biased, low variance. k3: unbiased, never negative. */
export type KlEstimator = 'k1' | 'k2' | 'k3'

/** The estimate for one sampled token. */
export function klEstimate(logProb: number, referenceLogProb: number, estimator: KlEstimator = 'k1'): number {
  const logRatio = logProb - referenceLogProb
  if (estimator === 'k2') return logRatio ** 2 / 2
  if (estimator === 'k3') return Math.expm1(-logRatio) + logRatio
  return logRatio
}

/** The same for tensors of any shape, differentiable: the penalty that stands in a loss (GRPO) instead of in the reward. */
export function klTensor(logProbs: Tensor, referenceLogProbs: Tensor, estimator: KlEstimator = 'k3'): Tensor {
  const logRatio = logProbs.sub(referenceLogProbs)
  if (estimator === 'k2') return logRatio.square().mul(0.5)
  if (estimator === 'k3') return logRatio.neg().exp().sub(1).add(logRatio)
  return logRatio
}

/** A number: the coefficient stays. With a target: it follows the measured KL per response (in nats). */
export type KlControl = number | { initial: number; target: number; /** Episodes over which it may grow e-fold per unit of error. */ horizon: number }

export const initialKlCoefficient = (control: KlControl): number => (typeof control === 'number' ? control : control.initial)

/** The coefficient for the next update, after `episodes` responses that were `kl` nats from the reference on average. */
export function nextKlCoefficient(control: KlControl, coefficient: number, kl: number, episodes: number): number {
  if (typeof control === 'number') return coefficient
  const error = Math.min(0.2, Math.max(-0.2, kl / control.target - 1))   // e_t = clip(KL/KL_target − 1, −0.2, 0.2)
  return coefficient * (1 + (error * episodes) / control.horizon)        // β_{t+1} = β_t (1 + K_β e_t)
}

/** KL of the best of n samples from the samples' distribution, an upper bound: log n − (n − 1)/n (arXiv 2210.10760). */
export const klOfBestOf = (n: number): number => Math.log(n) - (n - 1) / n
