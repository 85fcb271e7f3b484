// Multi-head attention with its four projections, stored as PyTorch's nn.MultiheadAttention: query, key and value in one matrix (3C, C).
import type { Tensor } from '@abovo/tensor-webgpu'
import { ConfigError } from '../errors.js'
import { Module } from '../module.js'
import { attend, mergeHeads, splitHeads, type AttentionOptions } from './attention.js'
import type { Initializer } from './initializer.js'
import { writeColumns, type LayerCache } from './key-value-cache.js'
import { glorotBound, Linear } from './linear.js'

/**
 * Self-attention (`forward(x)`) or cross-attention (`forward(x, { memory })`): x (B, T, C), memory (B, S, C) → (B, T, C). arXiv 1706.03762, 3.2.
 *
 * @throws ConfigError when C is not a multiple of the number of heads.
 */
export class MultiHeadAttention extends Module {
  readonly in_proj_weight: Tensor
  readonly in_proj_bias: Tensor
  readonly out_proj: Linear
  readonly #nHead: number

  constructor({ width, nHead, initializer }: { width: number; nHead: number; initializer: Initializer }) {
    super()
    if (width % nHead !== 0) throw new ConfigError(`MultiHeadAttention: width must be a multiple of the number of heads, got ${width} and ${nHead}`)
    this.#nHead = nHead
    this.in_proj_weight = initializer.uniform([3 * width, width], { bound: glorotBound(width, 3 * width) })
    this.in_proj_bias = initializer.zeros([3 * width])
    this.out_proj = new Linear({ inputs: width, outputs: width, start: 'glorot', initializer })
  }

  /** Self-attention of T new tokens (B, T, C) that join those in a cache, from column `at` (a scalar, i32) on. Within a compiled function. */
  extend(x: Tensor, cache: LayerCache, at: Tensor): Tensor {
    const [B, T, C] = x.shape
    const H = this.#nHead
    const projected = x.matmul(this.in_proj_weight.transpose()).add(this.in_proj_bias)   // (B, T, 3C)
    const rows = projected.narrow(-1, C, 2 * C).reshape([B, T, 2, H, C / H]).permute([2, 0, 3, 1, 4])   // (2, B, H, T, D)
    const [keys, values] = writeColumns(cache, rows, at)
    return this.out_proj.forward(mergeHeads(attend(splitHeads(projected.narrow(-1, 0, C), H), keys, values, { causal: true, keyLengths: at.add(T) })))
  }

  /** Keys and values (2, B, H, S, D) of a memory (B, S, C), to be looked at again and again. */
  remember(memory: Tensor): Tensor {
    const [B, S, C] = memory.shape
    const [, weight] = this.in_proj_weight.split([C, 2 * C], 0)
    const [, bias] = this.in_proj_bias.split([C, 2 * C], 0)
    return memory.matmul(weight.transpose()).add(bias).reshape([B, S, 2, this.#nHead, C / this.#nHead]).permute([2, 0, 3, 1, 4])
  }

  /** Cross-attention of x (B, T, C) over what `remember` gave. */
  lookAt(x: Tensor, remembered: Tensor, options: AttentionOptions = {}): Tensor {
    const C = x.shape[2]
    const q = x.matmul(this.in_proj_weight.narrow(0, 0, C).transpose()).add(this.in_proj_bias.narrow(0, 0, C))
    return this.out_proj.forward(mergeHeads(attend(splitHeads(q, this.#nHead), remembered.slice([0]), remembered.slice([1]), options)))
  }

  forward(x: Tensor, { memory = x, ...options }: AttentionOptions & { memory?: Tensor } = {}): Tensor {
    const [q, k, v] = this.#project(x, memory).map(projected => splitHeads(projected, this.#nHead))   // (B, H, T or S, D)
    return this.out_proj.forward(mergeHeads(attend(q, k, v, options)))
  }

  /** Queries of x, keys and values of memory. */
  #project(x: Tensor, memory: Tensor): Tensor[] {
    const C = x.shape[x.rank - 1]
    if (x === memory) return x.matmul(this.in_proj_weight.transpose()).add(this.in_proj_bias).split(C, -1)
    const [weightQ, weightKV] = this.in_proj_weight.split([C, 2 * C], 0)
    const [biasQ, biasKV] = this.in_proj_bias.split([C, 2 * C], 0)
    return [x.matmul(weightQ.transpose()).add(biasQ), ...memory.matmul(weightKV.transpose()).add(biasKV).split(C, -1)]
  }
}
