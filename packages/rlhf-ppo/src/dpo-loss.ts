// Direct preference optimisation (arXiv 2305.18290, eq. 7): a reward model's loss on the implicit reward β·log(π/π_ref). No sampling here.
import type { Tensor } from '@abovo/tensor-webgpu'
import { logSigmoid } from './ranking-loss.js'

/** Log-probabilities of whole responses, (B) each. */
export interface DpoInputs {
  chosen: Tensor
  rejected: Tensor
  referenceChosen: Tensor
  referenceRejected: Tensor
  beta?: number
  /** Probability that a label is the wrong way round (cDPO). */
  labelSmoothing?: number
}

/** One loss per pair, (B), with the implicit rewards. */
export function dpoPairLosses({ chosen, rejected, referenceChosen, referenceRejected, beta = 0.1, labelSmoothing = 0 }: DpoInputs): { losses: Tensor; chosenRewards: Tensor; rejectedRewards: Tensor } {
  const chosenRewards = chosen.sub(referenceChosen).mul(beta)
  const rejectedRewards = rejected.sub(referenceRejected).mul(beta)
  const margin = chosenRewards.sub(rejectedRewards)
  const right = logSigmoid(margin)
  const likelihood = labelSmoothing === 0 ? right : right.mul(1 - labelSmoothing).add(logSigmoid(margin.neg()).mul(labelSmoothing))
  return { losses: likelihood.neg(), chosenRewards: chosenRewards.stopGradient(), rejectedRewards: rejectedRewards.stopGradient() }
}

/** Their mean. */
export function dpoLoss(inputs: DpoInputs): { loss: Tensor; chosenRewards: Tensor; rejectedRewards: Tensor } {
  const { losses, ...rewards } = dpoPairLosses(inputs)
  return { loss: losses.mean(), ...rewards }
}
