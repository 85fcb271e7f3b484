// Drawing a class as its definition has it: all classes in order of their logits, cut, then walked through in order of their numbers.
import type { Vertex } from '../../graph/vertex.js'

/** Inputs logits (B, V), then uniform, temperature, topK and topP, each (B,); gives index (B,) and logProb (B,). */
export function evaluateCategorical(node: Vertex, [logits, uniform, temperature, topK, topP]: readonly Float64Array[]): Float64Array[] {
  const [B, V] = node.inputs[0].shape
  const drawn = Array.from({ length: B }, (_, b) => draw(logits.subarray(b * V, (b + 1) * V), { uniform: uniform[b], temperature: temperature[b], topK: topK[b], topP: topP[b] }))
  return [Float64Array.from(drawn, ({ index }) => index), Float64Array.from(drawn, ({ logProb }) => logProb)]
}

function draw(logits: Float64Array, { uniform, temperature, topK, topP }: Record<'uniform' | 'temperature' | 'topK' | 'topP', number>): { index: number; logProb: number } {
  const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b)
  const [best] = order
  const scale = temperature === 0 ? 1 : 1 / temperature
  const weights = logits.map(logit => Math.exp((logit - logits[best]) * scale))   // relative to the likeliest
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const result = (index: number): { index: number; logProb: number } => ({ index, logProb: (logits[index] - logits[best]) * scale - Math.log(total) })
  if (temperature === 0) return result(best)
  const kept = weights.map(() => 0)
  let mass = 0
  for (const [rank, index] of order.entries()) {
    if (rank > 0 && (rank >= topK || (topP < 1 && mass >= topP * total))) break
    kept[index] = weights[index]
    mass += weights[index]
  }
  const threshold = uniform * kept.reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  const chosen = kept.findIndex(weight => weight > 0 && (sum += weight) > threshold)
  return result(chosen < 0 ? kept.findLastIndex(weight => weight > 0) : chosen)   // rounding may leave the sum just below the total
}
