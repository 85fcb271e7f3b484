// One layer of the Transformer's decoder, with PyTorch's parameter names: causal self-attention, attention over the encoder's output ("memory"),
// and a feed-forward network, each in a residual branch.
import type { Tensor } from '@abovo/tensor-webgpu'
import { Module } from '../module.js'
import type { TransformerLayerOptions } from './encoder-layer.js'
import { feedForward } from './feed-forward.js'
import type { LayerCache } from './key-value-cache.js'
import { LayerNorm } from './layer-norm.js'
import { Linear } from './linear.js'
import { MultiHeadAttention } from './multi-head-attention.js'
import { drop, type Noise } from './noise.js'

/** What one layer keeps while a target is written. */
export interface DecoderCache {
  /** Keys and values of the target so far. */
  readonly own: LayerCache
  /** Keys and values of the memory, (2, B, H, S, D). */
  readonly memory: Tensor
}

/** x (B, T, C), memory (B, S, C) → (B, T, C). */
export class DecoderLayer extends Module {
  readonly self_attn: MultiHeadAttention
  readonly multihead_attn: MultiHeadAttention
  readonly linear1: Linear
  readonly linear2: Linear
  readonly norm1: LayerNorm
  readonly norm2: LayerNorm
  readonly norm3: LayerNorm
  readonly #normFirst: boolean
  readonly #pdrop: number

  constructor({ width, nHead, nInner, normFirst, pdrop = 0, initializer }: TransformerLayerOptions) {
    super()
    this.self_attn = new MultiHeadAttention({ width, nHead, initializer })
    this.multihead_attn = new MultiHeadAttention({ width, nHead, initializer })
    this.linear1 = new Linear({ inputs: width, outputs: nInner, start: 'glorot', initializer })
    this.linear2 = new Linear({ inputs: nInner, outputs: width, start: 'glorot', initializer })
    this.norm1 = new LayerNorm({ width, initializer })
    this.norm2 = new LayerNorm({ width, initializer })
    this.norm3 = new LayerNorm({ width, initializer })
    this.#normFirst = normFirst
    this.#pdrop = pdrop
  }

  /** `memoryMask` broadcasts to (B, H, T, S): false hides a position of the memory. */
  forward(x: Tensor, memory: Tensor, { memoryMask, noise }: { memoryMask?: Tensor | undefined; noise?: Noise | undefined } = {}): Tensor {
    const pdrop = this.#pdrop
    const self = (y: Tensor): Tensor => drop(this.self_attn.forward(y, { causal: true, pdrop, noise }), pdrop, noise)
    const cross = (y: Tensor): Tensor => drop(this.multihead_attn.forward(y, { memory, mask: memoryMask, pdrop, noise }), pdrop, noise)
    return this.#branches(x, self, cross, noise)
  }

  /** T new tokens (B, T, C) behind those in the cache, from column `at` (a scalar, i32) on. Within a compiled function. */
  extend(x: Tensor, { own, memory }: DecoderCache, { at, memoryMask }: { at: Tensor; memoryMask?: Tensor | undefined }): Tensor {
    return this.#branches(x, y => this.self_attn.extend(y, own, at), y => this.multihead_attn.lookAt(y, memory, { mask: memoryMask }))
  }

  #branches(x: Tensor, self: (y: Tensor) => Tensor, cross: (y: Tensor) => Tensor, noise?: Noise): Tensor {
    const pdrop = this.#pdrop
    const network = (y: Tensor): Tensor => drop(feedForward(y, this.linear1, this.linear2, { pdrop, noise }), pdrop, noise)
    if (this.#normFirst) {
      const own = x.add(self(this.norm1.forward(x)))
      const both = own.add(cross(this.norm2.forward(own)))
      return both.add(network(this.norm3.forward(both)))
    }
    const own = this.norm1.forward(x.add(self(x)))
    const both = this.norm2.forward(own.add(cross(own)))
    return this.norm3.forward(both.add(network(both)))
  }
}
