// What training, evaluation and generation ask of a model that predicts the next token. Gpt and RecurrentLanguageModel are such models.
import type { Tensor } from '@abovo/tensor-webgpu'
import type { Noise } from '../layers/noise.js'
import type { Module } from '../module.js'

export interface ForwardOptions {
  /** Given in training only: dropout is applied. */
  noise?: Noise | undefined
}

export interface LanguageModel extends Module {
  readonly vocabSize: number
  /** The longest sequence it takes, or null if there is no limit. */
  readonly contextLength: number | null
  /** Token ids (B, T) → logits (B, T, V): position t scores the token at t + 1. */
  forward(ids: Tensor, options?: ForwardOptions): Tensor
}

/** A tokenizer as this package needs it. */
export interface Tokenizer {
  encode(text: string): ArrayLike<number>
  decode(ids: ArrayLike<number>): string
  readonly vocabSize: number
}
