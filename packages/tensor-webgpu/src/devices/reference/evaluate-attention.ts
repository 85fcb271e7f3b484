// Attention and its gradients as the textbook has them, row by row in float64.
import type { Vertex } from '../../graph/vertex.js'
import type { AttentionOptions } from '../../graph/operation.js'

interface Sizes {
  B: number
  H: number
  Hk: number
  T: number
  S: number
  D: number
}

const sizesOf = (q: Vertex, k: Vertex): Sizes => ({ B: q.shape[0], H: q.shape[1], T: q.shape[2], D: q.shape[3], Hk: k.shape[1], S: k.shape[2] })

interface Row {
  /** Position of q's (and out's) row, of this head's first key row, and of the row in (B, H, T). */
  q: number
  k: number
  row: number
  /** Scores; −Infinity where the key is hidden. */
  scores: Float64Array
}

function* rows({ B, H, Hk, T, S, D }: Sizes, { causal, scale }: AttentionOptions, q: Float64Array, k: Float64Array, mask: Float64Array | undefined, maskIsBool: boolean, lengths?: Float64Array): Generator<Row> {
  for (let b = 0; b < B; b++) {
    const length = lengths === undefined ? S : Math.min(Math.max(lengths[b], 0), S)
    for (let h = 0; h < H; h++)
      for (let t = 0; t < T; t++) {
        const row = (b * H + h) * T + t
        const keys = (b * Hk + Math.floor((h * Hk) / H)) * S * D
        const scores = new Float64Array(S).fill(-Infinity)
        for (let s = 0; s < length; s++) {
          if (causal && s > t + length - T) break
          const masked = mask === undefined ? (maskIsBool ? 1 : 0) : mask[row * S + s]
          if (mask !== undefined && (maskIsBool ? masked === 0 : masked <= -1e30)) continue
          let dot = 0
          for (let d = 0; d < D; d++) dot += q[row * D + d] * k[keys + s * D + d]
          scores[s] = dot * scale + (mask === undefined || maskIsBool ? 0 : masked)
        }
        yield { q: row * D, k: keys, row, scores }
      }
  }
}

/** Inputs q, k, v, mask?, lengths?; gives out and the log of each row's softmax denominator. */
export function evaluateAttention(node: Vertex, options: AttentionOptions & { readonly masked: boolean; readonly bounded: boolean }, [q, k, v, ...rest]: readonly Float64Array[]): Float64Array[] {
  const mask = options.masked ? rest[0] : undefined
  const lengths = options.bounded ? rest[rest.length - 1] : undefined
  const sizes = sizesOf(node.inputs[0], node.inputs[1])
  const { B, H, T, S, D } = sizes
  const out = new Float64Array(B * H * T * D)
  const lse = new Float64Array(B * H * T)
  for (const row of rows(sizes, options, q, k, mask, node.inputs[3]?.dtype === 'bool', lengths)) {
    const max = row.scores.reduce((a, b) => Math.max(a, b), -Infinity)
    if (max === -Infinity) continue
    const total = row.scores.reduce((sum, score) => sum + Math.exp(score - max), 0)
    lse[row.row] = max + Math.log(total)
    for (let s = 0; s < S; s++) for (let d = 0; d < D; d++) out[row.q + d] += (Math.exp(row.scores[s] - max) / total) * v[row.k + s * D + d]
  }
  return [out, lse]
}

/** Inputs dOut, q, k, v, lse, delta, mask?; gives dq, dk, dv. */
export function evaluateAttentionBackward(node: Vertex, options: AttentionOptions, [dOut, q, k, v, lse, delta, mask]: readonly Float64Array[]): Float64Array[] {
  const sizes = sizesOf(node.inputs[1], node.inputs[2])
  const { S, D } = sizes
  const [dq, dk, dv] = [q, k, v].map(values => new Float64Array(values.length))
  for (const row of rows(sizes, options, q, k, mask, node.inputs[6]?.dtype === 'bool'))
    for (let s = 0; s < S; s++) {
      if (row.scores[s] === -Infinity) continue
      const p = Math.exp(row.scores[s] - lse[row.row])
      let dp = 0
      for (let d = 0; d < D; d++) dp += dOut[row.q + d] * v[row.k + s * D + d]
      const ds = p * (dp - delta[row.row]) * options.scale
      for (let d = 0; d < D; d++) {
        dv[row.k + s * D + d] += p * dOut[row.q + d]
        dq[row.q + d] += ds * k[row.k + s * D + d]
        dk[row.k + s * D + d] += ds * q[row.q + d]
      }
    }
  return [dq, dk, dv]
}
