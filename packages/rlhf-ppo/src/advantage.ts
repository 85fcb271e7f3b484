// Generalized advantage estimation (arXiv 1506.02438) and whitening, in float64 on the host: a rollout is a few thousand numbers.
// One response is one array of exactly its tokens, so nothing here knows of padding.
import { OptionError } from './errors.js'

export interface GaeOptions {
  /** Discount; 1 for responses, which are short. */
  gamma?: number
  /** 0: one step of bootstrapping, low variance; 1: the whole return, no bias. */
  lambda?: number
}

/**
 * Advantages and returns of one response, both (T).
 *
 * @param rewards per token
 * @param values V(s_t) before each token; after the last token the value is 0
 * @example
 * generalizedAdvantages([0, 1], [0.5, 0.25], { lambda: 1 }).advantages   // [0.5, 0.75]
 */
export function generalizedAdvantages(rewards: ArrayLike<number>, values: ArrayLike<number>, { gamma = 1, lambda = 0.95 }: GaeOptions = {}): { advantages: Float64Array; returns: Float64Array } {
  if (rewards.length !== values.length) throw new OptionError(`generalizedAdvantages: rewards and values must have one entry per token, got ${rewards.length} and ${values.length}`)
  const advantages = new Float64Array(rewards.length)
  const returns = new Float64Array(rewards.length)
  let later = 0
  for (let t = rewards.length - 1; t >= 0; t--) {
    const next = t + 1 < values.length ? values[t + 1] : 0
    const delta = rewards[t] + gamma * next - values[t]   // eq. 12
    later = delta + gamma * lambda * later                // eq. 16
    advantages[t] = later
    returns[t] = later + values[t]
  }
  return { advantages, returns }
}

export interface WhitenOptions {
  /** 1 where an entry counts; without it all count. */
  mask?: ArrayLike<number>
  /** false keeps the mean and scales only the spread around it, as rewards are whitened. */
  shiftMean?: boolean
  /** Bessel's correction: TRL's variance. Without it that of lm-human-preferences (tf.nn.moments). */
  unbiased?: boolean
  eps?: number
}

/** (x − mean) / √(variance + eps), with mean and variance over the entries that count. A single entry has no unbiased variance and stays centred. */
export function whiten(x: ArrayLike<number>, { mask, shiftMean = true, unbiased = false, eps = 1e-8 }: WhitenOptions = {}): Float64Array {
  const { mean, variance } = moments(x, mask, unbiased)
  const scale = 1 / Math.sqrt(variance + eps)
  return Float64Array.from(x, value => (value - mean) * scale + (shiftMean ? 0 : mean))
}

/** Mean and variance of the entries that count. */
export function moments(x: ArrayLike<number>, mask?: ArrayLike<number>, unbiased = false): { mean: number; variance: number } {
  let count = 0
  let sum = 0
  for (let i = 0; i < x.length; i++) {
    const weight = mask === undefined ? 1 : mask[i]
    count += weight
    sum += weight * x[i]
  }
  const mean = count === 0 ? 0 : sum / count
  let squares = 0
  for (let i = 0; i < x.length; i++) squares += (mask === undefined ? 1 : mask[i]) * (x[i] - mean) ** 2
  const freedom = unbiased ? count - 1 : count
  return { mean, variance: freedom > 0 ? squares / freedom : 0 }
}
