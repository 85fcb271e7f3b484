// Choosing one token from logits on the host: temperature, then the top-k and top-p cuts (arXiv 1904.09751). Deterministic: the caller brings the
// random number.

import { ConfigError } from '../errors.js'

export interface SamplingOptions {
  /** Divides the logits; 0 takes the likeliest token. */
  temperature?: number
  /** Only the k likeliest tokens. */
  topK?: number
  /** Only the likeliest tokens that together have this probability. */
  topP?: number
}

export interface Choice {
  readonly token: number
  /** Natural log of the token's probability at this temperature (at 1 if it is 0), before the cuts. */
  readonly logProb: number
}

/** @throws ConfigError naming every option that does not fit. */
export function checkSampling(where: string, { temperature = 1, topK = Infinity, topP = 1 }: SamplingOptions): void {
  const complaints = [
    ...(temperature >= 0 && temperature < Infinity ? [] : [`temperature must be 0 or more, got ${temperature}`]),
    ...(topK === Infinity || (Number.isSafeInteger(topK) && topK > 0) ? [] : [`topK must be a positive integer, got ${topK}; without it all tokens may come`]),
    ...(topP > 0 && topP <= 1 ? [] : [`topP must be above 0 and at most 1, got ${topP}; without it all tokens may come`]),
  ]
  if (complaints.length > 0) throw new ConfigError(`${where}: ${complaints.join('; ')}`)
}

/** @param uniform a number in [0, 1) */
export function chooseToken(logits: ArrayLike<number>, { temperature = 1, topK = Infinity, topP = 1 }: SamplingOptions, uniform: number): Choice {
  const best = likeliest(logits)
  const scale = temperature === 0 ? 1 : 1 / temperature
  const weights = Float64Array.from(logits, logit => Math.exp((logit - logits[best]) * scale))   // relative to the likeliest
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const choice = (token: number): Choice => ({ token, logProb: (logits[token] - logits[best]) * scale - Math.log(total) })
  if (temperature === 0 || topK === 1) return choice(best)
  const kept = topK >= weights.length && topP >= 1 ? null : nucleus(weights, total, topK, topP)
  return choice(kept === null ? pick(weights, total, uniform) : kept[pick(kept.map(token => weights[token]), sumOf(weights, kept), uniform)])
}

/** The first of the largest. */
export function likeliest(logits: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i
  return best
}

/** The k largest, likeliest first; among equals the smaller token first. */
export function topTokens(values: ArrayLike<number>, k: number): number[] {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b)
  return [...order.subarray(0, Math.min(k, order.length))]
}

/** The tokens that both cuts leave, in their own order; at least one. */
function nucleus(weights: Float64Array, total: number, topK: number, topP: number): number[] {
  const kept: number[] = []
  let mass = 0
  for (const token of topTokens(weights, topK)) {
    if (kept.length > 0 && mass >= topP * total) break
    kept.push(token)
    mass += weights[token]
  }
  return kept.sort((a, b) => a - b)
}

const sumOf = (weights: Float64Array, tokens: readonly number[]): number => tokens.reduce((sum, token) => sum + weights[token], 0)

/** The place where the running sum passes uniform · total. */
function pick(weights: ArrayLike<number>, total: number, uniform: number): number {
  const threshold = uniform * total
  let sum = 0
  let last = 0
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue
    last = i   // rounding may leave the sum just below the total
    sum += weights[i]
    if (sum > threshold) return i
  }
  return last
}
