// Losses that turn human comparisons into a score: Bradley-Terry for pairs, all pairs of a ranking (InstructGPT), the best of several
// (lm-human-preferences), Plackett-Luce for a whole ranking. They take scores; where scores come from is reward-model.ts.
import { concat, type Tensor } from '@abovo/tensor-webgpu'
import { OptionError } from './errors.js'

/** log σ(x), safe for large |x|. */
export const logSigmoid = (x: Tensor): Tensor => x.neg().softplus().neg()

export interface BradleyTerryOptions {
  /** By how much the chosen one is better, (B): the loss asks for at least this difference. */
  margin?: Tensor | undefined
  /** Weight of (r_chosen + r_rejected)², which holds scores near 0: differences alone do not. TRL's center_rewards_coefficient. */
  centering?: number
}

/** −log σ(r_chosen − r_rejected − margin), mean over the pairs; scores are (B). */
export function bradleyTerryLoss(chosen: Tensor, rejected: Tensor, { margin, centering = 0 }: BradleyTerryOptions = {}): Tensor {
  const difference = chosen.sub(rejected)
  const loss = logSigmoid(margin === undefined ? difference : difference.sub(margin)).neg().mean()
  return centering === 0 ? loss : loss.add(chosen.add(rejected).square().mean().mul(centering))
}

/** All C(K, 2) pairs of each ranking as one element (arXiv 2203.02155, eq. 1); scores are (B, K), best first. */
export function rankingLoss(scores: Tensor): Tensor {
  const [better, worse] = orderedPairs(scores)
  return logSigmoid(better.sub(worse)).neg().mean()
}

/** For scores (B, K), best first: the scores of the better and of the worse one of every pair, each (B, C(K, 2)). */
export function orderedPairs(scores: Tensor): [better: Tensor, worse: Tensor] {
  const K = requireRanking('orderedPairs', scores)
  const spans = Array.from({ length: K - 1 }, (_, i) => ({ i, rest: K - 1 - i }))
  return [
    concat(spans.map(({ i, rest }) => scores.narrow(1, i, 1).expand([-1, rest])), 1),
    concat(spans.map(({ i, rest }) => scores.narrow(1, i + 1, rest)), 1),
  ]
}

/** Cross-entropy of a softmax over the scores (B, K) against the index of the best, (B) (arXiv 1909.08593, eq. 1). */
export function bestOfLoss(scores: Tensor, best: Tensor): Tensor {
  requireRanking('bestOfLoss', scores)
  return scores.logSoftmax(1).gather(1, best.unsqueeze(1)).mean().neg()
}

/** −log probability of the order under Plackett-Luce: Σ_k logsumexp(r_k …) − r_k; scores are (B, K), best first; mean over B. */
export function plackettLuceLoss(scores: Tensor): Tensor {
  const K = requireRanking('plackettLuceLoss', scores)
  const choices = Array.from({ length: K - 1 }, (_, k) => scores.narrow(1, k, K - k))
  return concat(choices.map(left => left.logSumExp({ axis: 1, keepdim: true }).sub(left.narrow(1, 0, 1))), 1).sum({ axis: 1 }).mean()
}

function requireRanking(where: string, scores: Tensor): number {
  const K = scores.shape[1]
  if (scores.rank !== 2 || K < 2) throw new OptionError(`${where}: scores must be (B, K) with K of 2 or more, got (${scores.shape.join(', ')})`)
  return K
}
