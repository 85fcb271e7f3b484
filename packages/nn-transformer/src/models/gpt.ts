// GPT-2: a stack of pre-LN Transformer blocks that predicts the next token (Radford et al. 2019; parameters and names of Hugging Face's
// GPT2LMHeadModel, so its checkpoints load as they are). Generation and training are elsewhere: this file is the forward pass.
import { linearCrossEntropy } from '@abovo/autograd'
import { arange, crossEntropy, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { DataError } from '../errors.js'
import { Conv1D } from '../layers/conv1d.js'
import { attend, mergeHeads, splitHeads } from '../layers/attention.js'
import { Embedding } from '../layers/embedding.js'
import { Initializer } from '../layers/initializer.js'
import { realColumns, writeColumns, type LayerCache } from '../layers/key-value-cache.js'
import { LayerNorm } from '../layers/layer-norm.js'
import { Linear } from '../layers/linear.js'
import { drop, type Noise } from '../layers/noise.js'
import { Module } from '../module.js'
import { gptConfig, type GptConfig, type GptOptions } from './gpt-config.js'
import type { ForwardOptions, LanguageModel, LossOptions } from './language-model.js'

/** What a block's attention may look at beside the causal rule. */
export interface GptAttentionOptions {
  noise?: Noise | undefined
  /** bool, broadcasts to (B, H, T, S). */
  mask?: Tensor | undefined
  /** Where this layer's keys and values are kept, and the column of the first new token (a scalar, i32). */
  cache?: { layer: LayerCache; at: Tensor } | undefined
}

/** Causal self-attention; queries, keys and values come from one product. (B, T, C) → (B, T, C). */
export class GptAttention extends Module {
  readonly c_attn: Conv1D
  readonly c_proj: Conv1D
  readonly #config: GptConfig

  constructor(config: GptConfig, initializer: Initializer) {
    super()
    const { nEmbd: C, initializerRange: std, nLayer } = config
    this.#config = config
    this.c_attn = new Conv1D({ inputs: C, outputs: 3 * C, std, initializer })
    // each layer adds two branches to the residual stream: 1/√(2·nLayer) keeps its variance at 1
    this.c_proj = new Conv1D({ inputs: C, outputs: C, std: std / Math.sqrt(2 * nLayer), initializer })
  }

  /** Queries, keys and values, each (B, H, T, D). */
  project(x: Tensor): Tensor[] {
    return this.c_attn.forward(x).split(this.#config.nEmbd, -1).map(part => splitHeads(part, this.#config.nHead))
  }

  forward(x: Tensor, { noise, mask, cache }: GptAttentionOptions = {}): Tensor {
    const { attnPdrop: pdrop, residPdrop } = this.#config
    if (cache !== undefined) return this.c_proj.forward(mergeHeads(this.#extend(x, cache, mask)))
    const [q, k, v] = this.project(x)
    const attended = attend(q, k, v, { causal: true, mask, pdrop, noise })
    return drop(this.c_proj.forward(mergeHeads(attended)), residPdrop, noise)
  }

  /** The new tokens' keys and values join the cache; their queries see what is in it by then. */
  #extend(x: Tensor, { layer, at }: { layer: LayerCache; at: Tensor }, mask: Tensor | undefined): Tensor {
    const [B, T, C] = x.shape
    const H = this.#config.nHead
    const projected = this.c_attn.forward(x)   // (B, T, 3C)
    const q = splitHeads(projected.narrow(-1, 0, C), H)
    const rows = projected.narrow(-1, C, 2 * C).reshape([B, T, 2, H, C / H]).permute([2, 0, 3, 1, 4])   // (2, B, H, T, D)
    const [keys, values] = writeColumns(layer, rows, at)
    return attend(q, keys, values, { causal: true, mask, keyLengths: at.add(T) })
  }
}

/** Two layers with tanh-approximated GELU between. (B, T, C) → (B, T, C). */
export class GptMlp extends Module {
  readonly c_fc: Conv1D
  readonly c_proj: Conv1D
  readonly #residPdrop: number

  constructor({ nEmbd, nInner, nLayer, initializerRange: std, residPdrop }: GptConfig, initializer: Initializer) {
    super()
    this.c_fc = new Conv1D({ inputs: nEmbd, outputs: nInner, std, initializer })
    this.c_proj = new Conv1D({ inputs: nInner, outputs: nEmbd, std: std / Math.sqrt(2 * nLayer), initializer })
    this.#residPdrop = residPdrop
  }

  forward(x: Tensor, { noise }: ForwardOptions = {}): Tensor {
    return drop(this.c_proj.forward(this.c_fc.forward(x).gelu({ approximate: 'tanh' })), this.#residPdrop, noise)
  }
}

export class GptBlock extends Module {
  readonly ln_1: LayerNorm
  readonly attn: GptAttention
  readonly ln_2: LayerNorm
  readonly mlp: GptMlp

  constructor(config: GptConfig, initializer: Initializer) {
    super()
    const norm = { width: config.nEmbd, eps: config.layerNormEpsilon, initializer }
    this.ln_1 = new LayerNorm(norm)
    this.attn = new GptAttention(config, initializer)
    this.ln_2 = new LayerNorm(norm)
    this.mlp = new GptMlp(config, initializer)
  }

  forward(x: Tensor, options: GptAttentionOptions = {}): Tensor {
    const attended = x.add(this.attn.forward(this.ln_1.forward(x), options))
    return attended.add(this.mlp.forward(this.ln_2.forward(attended), options))
  }
}

export interface GptForwardOptions extends ForwardOptions {
  /** (B, T) bool or integer: 0 marks padding that nobody may look at. */
  attentionMask?: Tensor | undefined
  /** (B, T) or (T,) i32; 0 … T−1 by default. With padding on the left give `positionsOf(attentionMask)`. */
  positions?: Tensor | undefined
}

/** Logits beyond which the loss is taken in chunks: 64 MiB of them, and as much for their gradients. */
const MANY_LOGITS = 2 ** 24

/** Where new tokens stand in a cache: one layer cache a block, the first new column, and each row's first real column. */
export interface GptCacheView {
  readonly layers: readonly LayerCache[]
  /** Scalar. */
  readonly at: Tensor
  /** (B,) i32: how many columns of padding each row begins with. */
  readonly start: Tensor
  /** `realColumns(start, S)`, where it is at hand. */
  readonly real?: Tensor
}

/**
 * The model. `seed` null makes it without values, to be loaded.
 *
 * @example
 * await requestDevice()
 * const model = new Gpt({ vocabSize: 65, nPositions: 64, nEmbd: 64, nLayer: 2, nHead: 2 }, { seed: 1 })
 * const logits = model.forward(tensor([[1, 2, 3]], { dtype: 'i32' }))   // (1, 3, 65)
 */
export class Gpt extends Module implements LanguageModel {
  readonly config: GptConfig
  readonly transformer: { readonly wte: Embedding; readonly wpe: Embedding; readonly h: readonly GptBlock[]; readonly ln_f: LayerNorm }
  readonly lm_head: Linear | null

  constructor(options: GptOptions, { seed, device }: { seed: number | null; device?: Device }) {
    super()
    const config = gptConfig(options)
    const { vocabSize, nPositions, nEmbd: width, nLayer, initializerRange: std, layerNormEpsilon: eps } = config
    const initializer = new Initializer(seed, { device })
    this.config = config
    this.transformer = {
      wte: new Embedding({ count: vocabSize, width, std, initializer }),
      wpe: new Embedding({ count: nPositions, width, std, initializer }),
      h: Array.from({ length: nLayer }, () => new GptBlock(config, initializer)),
      ln_f: new LayerNorm({ width, eps, initializer }),
    }
    this.lm_head = config.tieWordEmbeddings ? null : new Linear({ inputs: width, outputs: vocabSize, bias: false, start: { std }, initializer })
  }

  get vocabSize(): number {
    return this.config.vocabSize
  }
  get contextLength(): number {
    return this.config.nPositions
  }

  /** Token ids (B, T) → logits (B, T, V). */
  forward(ids: Tensor, options: GptForwardOptions = {}): Tensor {
    return this.head(this.hidden(ids, options))
  }

  /** Token ids (B, T) → the last layer's normalised output (B, T, C). */
  hidden(ids: Tensor, { noise, attentionMask, positions }: GptForwardOptions = {}): Tensor {
    const mask = attentionMask?.to('bool').reshape([ids.shape[0], 1, 1, ids.shape[1]])   // (B, 1, 1, S)
    const x = this.embed(ids, { noise, positions })
    return this.transformer.ln_f.forward(this.transformer.h.reduce((y, block) => block.forward(y, { noise, mask }), x))
  }

  /** Token and position vectors summed, (B, T, C). */
  embed(ids: Tensor, { noise, positions }: GptForwardOptions = {}): Tensor {
    const T = ids.shape[1]
    const { wte, wpe } = this.transformer
    if (positions === undefined && T > this.config.nPositions) throw new DataError(`Gpt: at most nPositions = ${this.config.nPositions} tokens fit, got ${T}; give the last ones only`)
    // positions 0 … T−1 are a slice: no look-up, and a gradient without a scatter
    const places = positions === undefined ? wpe.weight.narrow(0, 0, T) : wpe.forward(positions)
    return drop(wte.forward(ids).add(places), this.config.embdPdrop, noise)
  }

  /** Hidden states (…, C) → logits (…, V). */
  head(hidden: Tensor): Tensor {
    return this.lm_head === null ? this.transformer.wte.scores(hidden) : this.lm_head.forward(hidden)
  }

  /** Cross-entropy of targets (B, T), each the token after the one at its place. Where the vocabulary is large the logits never exist whole. */
  loss(ids: Tensor, targets: Tensor, { noise, evaluating = false, ...options }: LossOptions & GptForwardOptions = {}): Tensor {
    const hidden = this.hidden(ids, { ...options, noise })   // (B, T, C)
    if (targets.size * this.vocabSize <= MANY_LOGITS) return crossEntropy(this.head(hidden), targets, options)
    return linearCrossEntropy(hidden, (this.lm_head ?? this.transformer.wte).weight, targets, { ...options, gradients: !evaluating })
  }

  /** New tokens (B, T) behind those in the cache, which takes them up: hidden states (B, T, C). */
  extendCache(ids: Tensor, { layers, at, start, real }: GptCacheView): Tensor {
    const [B, T] = ids.shape
    const from = at.to('i32')
    const column = arange(T, undefined, 1, { device: ids.device }).unsqueeze(0).add(from)   // (1, T)
    // padding's own position does not matter, but must be in the table
    const positions = column.sub(start.reshape([B, 1])).clamp({ min: 0, max: this.config.nPositions - 1 })   // (B, T)
    const mask = real ?? realColumns(start, layers[0].keysAndValues.shape[3])   // (B, 1, 1, S)
    const x = this.embed(ids, { positions })
    return this.transformer.ln_f.forward(this.transformer.h.reduce((y, block, l) => block.forward(y, { mask, cache: { layer: layers[l], at: from } }), x))
  }
}

/** Positions that count real tokens only: for (B, T) masks with padding on the left. */
export const positionsOf = (attentionMask: Tensor): Tensor => attentionMask.to('i32').cumsum(1).sub(1).clamp({ min: 0 })
