// One layer of the Transformer's encoder, with PyTorch's parameter names: self-attention and a feed-forward network, each in a residual branch.
import type { Tensor } from '@abovo/tensor-webgpu'
import { Module } from '../module.js'
import { feedForward } from './feed-forward.js'
import type { Initializer } from './initializer.js'
import { LayerNorm } from './layer-norm.js'
import { Linear } from './linear.js'
import { MultiHeadAttention } from './multi-head-attention.js'
import { drop, type Noise } from './noise.js'

export interface TransformerLayerOptions {
  width: number
  nHead: number
  /** Width of the feed-forward network's middle. */
  nInner: number
  /** true: normalise before each branch (pre-LN, arXiv 2002.04745); false: after each sum (the paper's post-LN). */
  normFirst: boolean
  pdrop?: number
  initializer: Initializer
}

/** (B, T, C) → (B, T, C). */
export class EncoderLayer extends Module {
  readonly self_attn: MultiHeadAttention
  readonly linear1: Linear
  readonly linear2: Linear
  readonly norm1: LayerNorm
  readonly norm2: LayerNorm
  readonly #normFirst: boolean
  readonly #pdrop: number

  constructor({ width, nHead, nInner, normFirst, pdrop = 0, initializer }: TransformerLayerOptions) {
    super()
    this.self_attn = new MultiHeadAttention({ width, nHead, initializer })
    this.linear1 = new Linear({ inputs: width, outputs: nInner, start: 'glorot', initializer })
    this.linear2 = new Linear({ inputs: nInner, outputs: width, start: 'glorot', initializer })
    this.norm1 = new LayerNorm({ width, initializer })
    this.norm2 = new LayerNorm({ width, initializer })
    this.#normFirst = normFirst
    this.#pdrop = pdrop
  }

  /** `mask` broadcasts to (B, H, T, T): false hides a position. */
  forward(x: Tensor, { mask, noise }: { mask?: Tensor | undefined; noise?: Noise | undefined } = {}): Tensor {
    const attention = (y: Tensor): Tensor => drop(this.self_attn.forward(y, { mask, pdrop: this.#pdrop, noise }), this.#pdrop, noise)
    const network = (y: Tensor): Tensor => drop(feedForward(y, this.linear1, this.linear2, { pdrop: this.#pdrop, noise }), this.#pdrop, noise)
    if (this.#normFirst) {
      const attended = x.add(attention(this.norm1.forward(x)))
      return attended.add(network(this.norm2.forward(attended)))
    }
    const attended = this.norm1.forward(x.add(attention(x)))
    return this.norm2.forward(attended.add(network(attended)))
  }
}
