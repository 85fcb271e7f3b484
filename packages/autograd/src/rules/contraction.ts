// Gradients of matmul: y = a·b gives da = dy·bᵀ and db = aᵀ·dy.
import type { InputGradients, RuleCall } from './rule.js'

export function matmulRule({ inputs: [a, b], gradient, needs }: RuleCall): InputGradients {
  const da = needs[0] ? gradient.matmul(b.transpose()) : null
  if (!needs[1]) return [da, null]
  if (b.rank > 2) return [da, a.transpose().matmul(gradient)]
  // A weight shared by the whole batch: one (K, rows)·(rows, N), not a batch of products to be summed.
  const [K, N] = b.shape
  const rows = a.shape.slice(0, -1).reduce((product, n) => product * n, 1)
  return [da, a.reshape([rows, K]).transpose().matmul(gradient.reshape([rows, N]))]
}
