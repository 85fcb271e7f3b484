// A table with one row per token (or position, or token type).
import { embedding, type Tensor } from '@abovo/tensor-webgpu'
import { Module } from '../module.js'
import type { Initializer } from './initializer.js'

/** ids (…) → (…, C). Ids outside the table are clamped by devices: check them on the host first. */
export class Embedding extends Module {
  readonly weight: Tensor

  constructor({ count, width, std = 1, initializer }: { count: number; width: number; std?: number; initializer: Initializer }) {
    super()
    this.weight = initializer.normal([count, width], { std })   // (V, C)
  }

  forward(ids: Tensor): Tensor {
    return embedding(ids, this.weight)
  }

  /** Scores of every row against hidden states (…, C): the tied output layer of arXiv 1608.05859. Gives (…, V). */
  scores(hidden: Tensor): Tensor {
    return hidden.matmul(this.weight.transpose())
  }
}
