// Advantages without a value network: each response is compared with the others that answered the same prompt.
// One number per response; every token of it gets that number.
import { OptionError } from './errors.js'
import { moments } from './advantage.js'

/** (r − mean) / (std + eps) with the unbiased std of the group (GRPO, arXiv 2402.03300, section 4.1.2); `scale: false` only centres (arXiv 2503.20783). */
export function groupAdvantages(rewards: ArrayLike<number>, { scale = true, eps = 1e-4 }: { scale?: boolean; eps?: number } = {}): Float64Array {
  const { mean, variance } = moments(rewards, undefined, true)
  return Float64Array.from(rewards, reward => (reward - mean) / (scale ? Math.sqrt(variance) + eps : 1))
}

/** r − mean of the others (RLOO, arXiv 2402.14740, eq. 8). */
export function leaveOneOutAdvantages(rewards: ArrayLike<number>): Float64Array {
  if (rewards.length < 2) throw new OptionError(`leaveOneOutAdvantages: a group must have 2 or more responses, got ${rewards.length}`)
  let sum = 0
  for (let i = 0; i < rewards.length; i++) sum += rewards[i]
  return Float64Array.from(rewards, reward => reward - (sum - reward) / (rewards.length - 1))
}
