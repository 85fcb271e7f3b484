// What training, evaluation and generation ask of a model that predicts the next token. Gpt and RecurrentLanguageModel are such models.
import { crossEntropy, type Tensor } from '@abovo/tensor-webgpu'
import type { Noise } from '../layers/noise.js'
import type { Module } from '../module.js'

export interface ForwardOptions {
  /** Given in training only: dropout is applied. */
  noise?: Noise | undefined
}

export interface LossOptions extends ForwardOptions {
  reduction?: 'mean' | 'sum'
  /** Targets that do not count. */
  ignoreIndex?: number
  /** No gradient will be taken. */
  evaluating?: boolean
}

export interface LanguageModel extends Module {
  readonly vocabSize: number
  /** The longest sequence it takes, or null if there is no limit. */
  readonly contextLength: number | null
  /** Token ids (B, T) → logits (B, T, V): position t scores the token at t + 1. */
  forward(ids: Tensor, options?: ForwardOptions): Tensor
  /** The cross-entropy of targets (B, T), for models that can do with less memory than all logits take. */
  loss?(ids: Tensor, targets: Tensor, options?: LossOptions): Tensor
}

/** The cross-entropy of targets (B, T) under a model, the way it does it best. */
export const languageLoss = (model: LanguageModel, ids: Tensor, targets: Tensor, options: LossOptions = {}): Tensor =>
  model.loss?.(ids, targets, options) ?? crossEntropy(model.forward(ids, options), targets, options)

/** A tokenizer as this package needs it. */
export interface Tokenizer {
  encode(text: string): ArrayLike<number>
  decode(ids: ArrayLike<number>): string
  readonly vocabSize: number
}
