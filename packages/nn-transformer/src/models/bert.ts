// BERT (arXiv 1810.04805): an encoder that sees both sides of a word, trained to fill in masked words. Parameters and names of Hugging Face's
// BertForMaskedLM, without pooler and next-sentence head. Post-LN, exact GELU. Masking is data/masked-batch.ts.
import { arange, crossEntropy, zeros, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { DataError } from '../errors.js'
import { attend, mergeHeads, splitHeads } from '../layers/attention.js'
import { Embedding } from '../layers/embedding.js'
import { Initializer } from '../layers/initializer.js'
import { LayerNorm } from '../layers/layer-norm.js'
import { Linear } from '../layers/linear.js'
import { drop, type Noise } from '../layers/noise.js'
import { Module } from '../module.js'
import { bertConfig, type BertConfig, type BertOptions } from './bert-config.js'

export interface BertInput {
  /** (B, T) bool or integer: 0 marks padding. */
  attentionMask?: Tensor | undefined
  /** (B, T) i32: which of two joined texts a token belongs to. Zero by default. */
  tokenTypes?: Tensor | undefined
  noise?: Noise | undefined
}

interface LayerInput {
  mask?: Tensor | undefined   // (B, 1, 1, T)
  noise?: Noise | undefined
}

/** A linear layer, dropout, and post-LN over the sum with what went in: how each of BERT's branches ends. */
class BertOutput extends Module {
  readonly dense: Linear
  readonly LayerNorm: LayerNorm
  readonly #pdrop: number

  constructor(inputs: number, { hiddenSize, layerNormEps: eps, initializerRange: std, hiddenDropoutProb }: BertConfig, initializer: Initializer) {
    super()
    this.dense = new Linear({ inputs, outputs: hiddenSize, start: { std }, initializer })
    this.LayerNorm = new LayerNorm({ width: hiddenSize, eps, initializer })
    this.#pdrop = hiddenDropoutProb
  }

  forward(branch: Tensor, residual: Tensor, noise: Noise | undefined): Tensor {
    return this.LayerNorm.forward(drop(this.dense.forward(branch), this.#pdrop, noise).add(residual))
  }
}

/** (B, T, C) → (B, T, C). */
export class BertLayer extends Module {
  readonly attention: { readonly self: Readonly<Record<'query' | 'key' | 'value', Linear>>; readonly output: BertOutput }
  readonly intermediate: { readonly dense: Linear }
  readonly output: BertOutput
  readonly #config: BertConfig

  constructor(config: BertConfig, initializer: Initializer) {
    super()
    const { hiddenSize: C, intermediateSize, initializerRange: std } = config
    const square = (): Linear => new Linear({ inputs: C, outputs: C, start: { std }, initializer })
    this.#config = config
    this.attention = { self: { query: square(), key: square(), value: square() }, output: new BertOutput(C, config, initializer) }
    this.intermediate = { dense: new Linear({ inputs: C, outputs: intermediateSize, start: { std }, initializer }) }
    this.output = new BertOutput(intermediateSize, config, initializer)
  }

  /** Queries, keys and values, each (B, H, T, D). */
  project(x: Tensor): Tensor[] {
    const { query, key, value } = this.attention.self
    return [query, key, value].map(linear => splitHeads(linear.forward(x), this.#config.numAttentionHeads))
  }

  forward(x: Tensor, { mask, noise }: LayerInput = {}): Tensor {
    const [q, k, v] = this.project(x)
    const attended = mergeHeads(attend(q, k, v, { mask, pdrop: this.#config.attentionProbsDropoutProb, noise }))
    const y = this.attention.output.forward(attended, x, noise)
    return this.output.forward(this.intermediate.dense.forward(y).gelu(), y, noise)
  }
}

/** The encoder: token ids (B, T) → (B, T, C). */
export class BertModel extends Module {
  readonly embeddings: Readonly<Record<'word_embeddings' | 'position_embeddings' | 'token_type_embeddings', Embedding>> & { readonly LayerNorm: LayerNorm }
  readonly encoder: { readonly layer: readonly BertLayer[] }
  readonly #config: BertConfig

  constructor(config: BertConfig, initializer: Initializer) {
    super()
    const { hiddenSize: width, initializerRange: std } = config
    const table = (count: number): Embedding => new Embedding({ count, width, std, initializer })
    this.#config = config
    this.embeddings = {
      word_embeddings: table(config.vocabSize),
      position_embeddings: table(config.maxPositionEmbeddings),
      token_type_embeddings: table(config.typeVocabSize),
      LayerNorm: new LayerNorm({ width, eps: config.layerNormEps, initializer }),
    }
    this.encoder = { layer: Array.from({ length: config.numHiddenLayers }, () => new BertLayer(config, initializer)) }
  }

  forward(ids: Tensor, { attentionMask, noise, tokenTypes }: BertInput = {}): Tensor {
    const mask = attentionMask?.to('bool').reshape([ids.shape[0], 1, 1, ids.shape[1]])   // (B, 1, 1, T)
    return this.encoder.layer.reduce((x, layer) => layer.forward(x, { mask, noise }), this.embed(ids, { tokenTypes, noise }))
  }

  embed(ids: Tensor, { tokenTypes, noise }: BertInput = {}): Tensor {
    const T = ids.shape[1]
    const { maxPositionEmbeddings, hiddenDropoutProb } = this.#config
    if (T > maxPositionEmbeddings) throw new DataError(`Bert: at most maxPositionEmbeddings = ${maxPositionEmbeddings} tokens fit, got ${T}`)
    const { word_embeddings, position_embeddings, token_type_embeddings, LayerNorm } = this.embeddings
    const types = tokenTypes ?? zeros(ids.shape, { dtype: 'i32', device: ids.device })
    const places = arange(T, undefined, 1, { device: ids.device })
    const sum = word_embeddings.forward(ids).add(token_type_embeddings.forward(types)).add(position_embeddings.forward(places))   // (B, T, C)
    return drop(LayerNorm.forward(sum), hiddenDropoutProb, noise)
  }
}

/** What turns hidden states into scores of words: a layer of its own, then the token table. */
class MaskedWordHead extends Module {
  readonly transform: { readonly dense: Linear; readonly LayerNorm: LayerNorm }
  readonly bias: Tensor

  constructor({ hiddenSize: width, vocabSize, layerNormEps: eps, initializerRange: std }: BertConfig, initializer: Initializer) {
    super()
    this.transform = { dense: new Linear({ inputs: width, outputs: width, start: { std }, initializer }), LayerNorm: new LayerNorm({ width, eps, initializer }) }
    this.bias = initializer.zeros([vocabSize])
  }

  forward(hidden: Tensor, table: Embedding): Tensor {
    return table.scores(this.transform.LayerNorm.forward(this.transform.dense.forward(hidden).gelu())).add(this.bias)
  }
}

/**
 * BERT with its masked-word head: token ids (B, T) → logits (B, T, V).
 *
 * @example
 * await requestDevice()
 * const model = new Bert({ vocabSize: 40, maxPositionEmbeddings: 16, hiddenSize: 32, numHiddenLayers: 2, numAttentionHeads: 2 }, { seed: 1 })
 * const logits = model.forward(ids, { attentionMask })
 */
export class Bert extends Module {
  readonly config: BertConfig
  readonly bert: BertModel
  readonly cls: { readonly predictions: MaskedWordHead }

  constructor(options: BertOptions, { seed, device }: { seed: number | null; device?: Device }) {
    super()
    const initializer = new Initializer(seed, { device })
    this.config = bertConfig(options)
    this.bert = new BertModel(this.config, initializer)
    this.cls = { predictions: new MaskedWordHead(this.config, initializer) }
  }

  get vocabSize(): number {
    return this.config.vocabSize
  }

  forward(ids: Tensor, input: BertInput = {}): Tensor {
    return this.head(this.bert.forward(ids, input))
  }

  /** Hidden states (B, T, C) → logits (B, T, V). */
  head(hidden: Tensor): Tensor {
    return this.cls.predictions.forward(hidden, this.bert.embeddings.word_embeddings)
  }

  /** Mean cross-entropy over the labels that are not −100. */
  loss({ inputs, labels, attentionMask }: { inputs: Tensor; labels: Tensor; attentionMask?: Tensor }, noise?: Noise): Tensor {
    return crossEntropy(this.forward(inputs, { attentionMask, noise }), labels)
  }
}
