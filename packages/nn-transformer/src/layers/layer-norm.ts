// Layer normalisation over the last axis, with gain and bias. arXiv 1607.06450.
import { layerNorm, type Tensor } from '@abovo/tensor-webgpu'
import { Module } from '../module.js'
import type { Initializer } from './initializer.js'

/** (…, C) → (…, C). */
export class LayerNorm extends Module {
  readonly weight: Tensor
  readonly bias: Tensor
  readonly #eps: number

  constructor({ width, eps = 1e-5, initializer }: { width: number; eps?: number; initializer: Initializer }) {
    super()
    this.weight = initializer.ones([width])
    this.bias = initializer.zeros([width])
    this.#eps = eps
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, { weight: this.weight, bias: this.bias, eps: this.#eps })
  }
}
