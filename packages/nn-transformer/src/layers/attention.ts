// Attention with several heads, on queries, keys and values that are already projected: what GPT-2, BERT and the 2017 Transformer share. It has
// no parameters: each family stores its projections in its own way.
import { arange, scaledDotProductAttention, where, type Tensor } from '@abovo/tensor-webgpu'
import { drop, type Noise } from './noise.js'

export interface AttentionOptions {
  /** Position t sees keys up to t only. */
  causal?: boolean
  /** bool, broadcasts to (B, H, T, S): false hides a key. */
  mask?: Tensor | undefined
  /** How many keys there are, a number or (B,): the rest of a cache is not looked at, and `causal` counts from there. Not with dropout. */
  keyLengths?: Tensor | undefined
  /** Dropout of the attention weights, in training. */
  pdrop?: number
  noise?: Noise | undefined
}

/** (B, T, C) → (B, H, T, D) with C = H·D. */
export function splitHeads(x: Tensor, nHead: number): Tensor {
  const [B, T, C] = x.shape
  return x.reshape([B, T, nHead, C / nHead]).transpose(1, 2)
}

/** (B, H, T, D) → (B, T, C). */
export function mergeHeads(x: Tensor): Tensor {
  const [B, H, T, D] = x.shape
  return x.transpose(1, 2).reshape([B, T, H * D])
}

/** softmax(q·kᵀ/√D)·v for q (B, H, T, D) and k, v (B, H, S, D). arXiv 1706.03762, eq. 1. */
export function attend(q: Tensor, k: Tensor, v: Tensor, { causal = false, mask, keyLengths, pdrop = 0, noise }: AttentionOptions = {}): Tensor {
  if (noise === undefined || pdrop === 0) return scaledDotProductAttention(q, k, v, { causal, mask, keyLengths })
  return drop(attentionWeights(q, k, { causal, mask }), pdrop, noise).to(v.dtype).matmul(v)
}

/** The attention weights themselves, (B, H, T, S), in f32: rows sum to one. Slower than `attend`, which never forms them. */
export function attentionWeights(q: Tensor, k: Tensor, { causal = false, mask }: AttentionOptions = {}): Tensor {
  const [, , T, D] = q.shape
  const S = k.shape[2]
  const scores = q.matmul(k.transpose()).to('f32').mul(1 / Math.sqrt(D))   // (B, H, T, S)
  const shown = mask === undefined ? scores : where(mask, scores, -1e30)
  if (!causal) return shown.softmax(-1)
  const key = arange(S, undefined, 1, { device: q.device })                                          // (S,)
  const query = arange(S - T, S, 1, { device: q.device }).unsqueeze(1)                                // (T, 1)
  // finite, since WGSL may assume that there is no infinity
  return where(key.le(query), shown, -1e30).softmax(-1)
}
