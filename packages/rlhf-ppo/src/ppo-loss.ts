// The two losses of PPO on tokens: clipped policy and clipped value. Arrays are (B, T) with a mask that is 1 on response tokens and 0 on
// prompt and padding. Sums are divided by `count`, the tokens of the whole minibatch, so micro-batches add up to exactly its gradient.
import { where, type Operand, type Tensor } from '@abovo/tensor-webgpu'

/** Σ x·mask / count. `where` and not a product: a padded place may hold anything. */
export const tokenMean = (x: Tensor, mask: Tensor, count: Operand): Tensor => where(mask.ne(0), x, 0).sum().div(count)

export interface PolicyLossInputs {
  logProbs: Tensor
  /** Of the policy that sampled the tokens. */
  oldLogProbs: Tensor
  advantages: Tensor
  mask: Tensor
  count: Operand
  clipRange?: number
  /** c > 1 bounds the loss of tokens with a negative advantage by −c·A (arXiv 1912.09729, eq. 5). */
  dualClip?: number | undefined
}

export interface PolicyLoss {
  loss: Tensor
  /** (B, T), 1 at padding. */
  ratio: Tensor
  clipFraction: Tensor
  /** k2 between the sampling and the present policy. */
  approximateKl: Tensor
}

export function policyLoss({ logProbs, oldLogProbs, advantages, mask, count, clipRange = 0.2, dualClip }: PolicyLossInputs): PolicyLoss {
  const logRatio = where(mask.ne(0), logProbs.sub(oldLogProbs), 0)
  const ratio = logRatio.exp()                                                                    // PPO, arXiv 1707.06347, eq. 6
  const plain = advantages.neg().mul(ratio)
  const clipped = advantages.neg().mul(ratio.clamp({ min: 1 - clipRange, max: 1 + clipRange }))
  const pessimistic = plain.maximum(clipped)                                                      // eq. 7
  const bounded = dualClip === undefined ? pessimistic : where(advantages.lt(0), pessimistic.minimum(advantages.mul(-dualClip)), pessimistic)
  return {
    loss: tokenMean(bounded, mask, count),
    ratio,
    clipFraction: tokenMean(clipped.gt(plain).to('f32'), mask, count),
    approximateKl: tokenMean(logRatio.square().mul(0.5), mask, count),
  }
}

export interface ValueLossInputs {
  values: Tensor
  /** At the time of sampling. */
  oldValues: Tensor
  returns: Tensor
  mask: Tensor
  count: Operand
  clipRange?: number
}

/** Half the squared error, with the value held within `clipRange` of its old self where that makes the error larger. */
export function valueLoss({ values, oldValues, returns, mask, count, clipRange = 0.2 }: ValueLossInputs): { loss: Tensor; clipFraction: Tensor } {
  const near = values.maximum(oldValues.sub(clipRange)).minimum(oldValues.add(clipRange))
  const plain = values.sub(returns).square()
  const clipped = near.sub(returns).square()
  return {
    loss: tokenMean(plain.maximum(clipped).mul(0.5), mask, count),
    clipFraction: tokenMean(clipped.gt(plain).to('f32'), mask, count),
  }
}
