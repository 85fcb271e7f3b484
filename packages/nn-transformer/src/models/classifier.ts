// A classification head on any encoder's hidden states: one vector a text, pooled, then a linear layer.
import type { Tensor } from '@abovo/tensor-webgpu'
import type { Initializer } from '../layers/initializer.js'
import { Linear } from '../layers/linear.js'
import { drop, type Noise } from '../layers/noise.js'
import { Module } from '../module.js'

export interface ClassificationHeadOptions {
  width: number
  classes: number
  /** 'first': the first token's vector through a tanh layer, BERT's pooler. 'mean': the average over real tokens. 'last': the last real token's. */
  pool?: 'first' | 'mean' | 'last'
  pdrop?: number
  initializer: Initializer
}

/**
 * Hidden states (B, T, C) → logits (B, classes).
 *
 * @example
 * const head = new ClassificationHead({ width: 32, classes: 2, initializer: new Initializer(2) })
 * const logits = head.forward(model.bert.forward(ids, { attentionMask }), { attentionMask })
 */
export class ClassificationHead extends Module {
  readonly dense: Linear | null
  readonly classifier: Linear
  readonly #pool: 'first' | 'mean' | 'last'
  readonly #pdrop: number

  constructor({ width, classes, pool = 'first', pdrop = 0, initializer }: ClassificationHeadOptions) {
    super()
    this.#pool = pool
    this.#pdrop = pdrop
    this.dense = pool === 'first' ? new Linear({ inputs: width, outputs: width, start: { std: 0.02 }, initializer }) : null
    this.classifier = new Linear({ inputs: width, outputs: classes, start: { std: 0.02 }, initializer })
  }

  /** `attentionMask` (B, T): 0 marks padding, on the right for 'last'. */
  forward(hidden: Tensor, { attentionMask, noise }: { attentionMask?: Tensor | undefined; noise?: Noise | undefined } = {}): Tensor {
    const pooled = this.#pooled(hidden, attentionMask)   // (B, C)
    const features = this.dense === null ? pooled : this.dense.forward(pooled).tanh()
    return this.classifier.forward(drop(features, this.#pdrop, noise))
  }

  #pooled(hidden: Tensor, mask: Tensor | undefined): Tensor {
    const [B, T, C] = hidden.shape
    if (this.#pool === 'first') return hidden.slice([null, 0])
    if (mask === undefined) return this.#pool === 'mean' ? hidden.mean({ axis: 1 }) : hidden.slice([null, T - 1])
    const count = mask.to('i32').sum({ axis: 1, keepdim: true })   // (B, 1)
    if (this.#pool === 'mean') return hidden.mul(mask.to(hidden.dtype).unsqueeze(-1)).sum({ axis: 1 }).div(count.maximum(1))
    const last = count.sub(1).clamp({ min: 0 }).reshape([B, 1, 1]).expand([B, 1, C])
    return hidden.gather(1, last).reshape([B, C])
  }
}
