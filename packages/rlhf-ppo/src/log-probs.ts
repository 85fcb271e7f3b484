// Log-probabilities and entropies of tokens from a model's logits, at a temperature. The temperature divides the logits everywhere the same
// way: in sampling, in the reference's pass and in the update, or the ratio of PPO would not start at 1.
import { crossEntropy, type Tensor } from '@abovo/tensor-webgpu'

/** log p(target) at each place, (B, T) from logits (B, T, V) and targets (B, T). */
export function tokenLogProbs(logits: Tensor, targets: Tensor, { temperature = 1 }: { temperature?: number } = {}): Tensor {
  return crossEntropy(temperature === 1 ? logits : logits.div(temperature), targets, { reduction: 'none' }).neg()
}

/** Entropy in nats at each place, (B, T) from logits (B, T, V): logsumexp(z) − Σ softmax(z)·z. */
export function tokenEntropies(logits: Tensor, { temperature = 1 }: { temperature?: number } = {}): Tensor {
  const scaled = temperature === 1 ? logits : logits.div(temperature)
  return scaled.logSumExp({ axis: -1 }).sub(scaled.softmax(-1).mul(scaled).sum({ axis: -1 }))
}
