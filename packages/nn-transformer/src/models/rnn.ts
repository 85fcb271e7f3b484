// Language models before attention: tokens → vectors → RNN, LSTM or GRU → logits. Trained by backpropagation through time over each window.
import type { Device, Tensor } from '@abovo/tensor-webgpu'
import { ConfigError } from '../errors.js'
import { Embedding } from '../layers/embedding.js'
import { Initializer } from '../layers/initializer.js'
import { Linear } from '../layers/linear.js'
import { drop } from '../layers/noise.js'
import { Recurrent } from '../layers/recurrent.js'
import type { RecurrentKind, RecurrentState } from '../layers/recurrent-cell.js'
import { Module } from '../module.js'
import type { ForwardOptions, LanguageModel } from './language-model.js'

export interface RecurrentConfig {
  kind: RecurrentKind
  vocabSize: number
  /** C: width of the token vectors and of the state. */
  nEmbd: number
  nLayer: number
  /** Dropout before each layer and before the output. */
  pdrop: number
  /** The output layer is the token table. */
  tieWordEmbeddings: boolean
}

export type RecurrentModelOptions = Pick<RecurrentConfig, 'kind' | 'vocabSize' | 'nEmbd'> & Partial<RecurrentConfig>

/**
 * @example
 * await requestDevice()
 * const model = new RecurrentLanguageModel({ kind: 'lstm', vocabSize: 65, nEmbd: 64 }, { seed: 1 })
 * const logits = model.forward(tensor([[1, 2, 3]], { dtype: 'i32' }))   // (1, 3, 65)
 */
export class RecurrentLanguageModel extends Module implements LanguageModel {
  readonly config: RecurrentConfig
  readonly embedding: Embedding
  readonly recurrent: Recurrent
  readonly head: Linear | null
  /** It can read on for ever; what it remembers is another matter. */
  readonly contextLength = null

  constructor(options: RecurrentModelOptions, { seed, device }: { seed: number | null; device?: Device }) {
    super()
    const config: RecurrentConfig = { nLayer: 1, pdrop: 0, tieWordEmbeddings: false, ...options }
    const { kind, vocabSize, nEmbd: width, nLayer, pdrop } = config
    for (const [name, value] of Object.entries({ vocabSize, nEmbd: width, nLayer }))
      if (!(Number.isSafeInteger(value) && value > 0)) throw new ConfigError(`RecurrentLanguageModel: ${name} must be a positive integer, got ${value}`)
    const initializer = new Initializer(seed, { device })
    this.config = config
    // a tied table gives logits too: small, so that the first guesses are even
    this.embedding = new Embedding({ count: vocabSize, width, std: config.tieWordEmbeddings ? 0.02 : 1, initializer })
    this.recurrent = new Recurrent({ kind, inputs: width, width, nLayer, pdrop, initializer })
    this.head = config.tieWordEmbeddings ? null : new Linear({ inputs: width, outputs: vocabSize, initializer })
  }

  get vocabSize(): number {
    return this.config.vocabSize
  }

  /** Token ids (B, T) → logits (B, T, V), from a zero state. */
  forward(ids: Tensor, options: ForwardOptions = {}): Tensor {
    return this.advance(ids, options).logits
  }

  /** The same from a given state, and the state after. */
  advance(ids: Tensor, { states, noise }: ForwardOptions & { states?: readonly RecurrentState[] } = {}): { logits: Tensor; states: RecurrentState[] } {
    const x = drop(this.embedding.forward(ids), this.config.pdrop, noise)   // (B, T, C)
    const run = this.recurrent.forward(x, { noise, ...(states === undefined ? {} : { states }) })
    const outputs = drop(run.outputs, this.config.pdrop, noise)
    return { logits: this.head === null ? this.embedding.scores(outputs) : this.head.forward(outputs), states: run.states }
  }
}
