// "Attention is all you need" (arXiv 1706.03762): an encoder reads the source, a decoder writes the target and looks back at it. Sinusoidal positions,
// post-LN as in the paper or pre-LN. Decoding (greedy, beam) is generate/translate.ts.
import { arange, crossEntropy, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { ConfigError, DataError } from '../errors.js'
import type { DecoderCache } from '../layers/decoder-layer.js'
import { Embedding } from '../layers/embedding.js'
import { EncoderDecoder } from '../layers/encoder-decoder.js'
import { Initializer } from '../layers/initializer.js'
import { Linear } from '../layers/linear.js'
import { drop, type Noise } from '../layers/noise.js'
import { sinusoidalPositions } from '../layers/positions.js'
import { Module } from '../module.js'

export interface TransformerConfig {
  vocabSize: number
  /** Of the target, if it has a vocabulary of its own; then nothing is shared between source and target. */
  targetVocabSize: number
  /** The longest source or target. */
  nPositions: number
  nEmbd: number
  /** Layers of the encoder, and of the decoder. */
  nLayer: number
  nHead: number
  nInner: number
  pdrop: number
  normFirst: boolean
  /** One table for source, target and output, as in the paper, 3.4. */
  tieWordEmbeddings: boolean
  padToken: number
  labelSmoothing: number
}

export type TransformerOptions = Pick<TransformerConfig, 'vocabSize' | 'nPositions' | 'nEmbd' | 'nLayer' | 'nHead' | 'padToken'> & Partial<TransformerConfig>

/** @throws ConfigError naming every field that does not fit. */
export function transformerConfig(options: TransformerOptions): TransformerConfig {
  const config: TransformerConfig = {
    targetVocabSize: options.vocabSize,
    nInner: 4 * options.nEmbd,
    pdrop: 0,
    normFirst: false,
    tieWordEmbeddings: true,
    labelSmoothing: 0,
    ...options,
  }
  const whole = (['vocabSize', 'targetVocabSize', 'nPositions', 'nEmbd', 'nLayer', 'nHead', 'nInner'] as const).filter(name => !(Number.isSafeInteger(config[name]) && config[name] > 0))
  const complaints = whole.map(name => `${name} must be a positive integer, got ${config[name]}`)
  if (whole.length === 0 && config.nEmbd % config.nHead !== 0) complaints.push(`nEmbd must be a multiple of nHead, got ${config.nEmbd} and ${config.nHead}`)
  if (config.tieWordEmbeddings && config.targetVocabSize !== config.vocabSize) complaints.push(`a shared table needs one vocabulary, got ${config.vocabSize} and ${config.targetVocabSize} words; set tieWordEmbeddings: false`)
  if (complaints.length > 0) throw new ConfigError(`transformerConfig: ${complaints.join('; ')}`)
  return config
}

/**
 * Source ids (B, S) and target ids (B, T) → logits (B, T, V).
 *
 * @example
 * await requestDevice()
 * const model = new Transformer({ vocabSize: 30, nPositions: 16, nEmbd: 32, nLayer: 2, nHead: 4, padToken: 0 }, { seed: 1 })
 * const logits = model.forward(source, target)
 */
export class Transformer extends Module {
  readonly config: TransformerConfig
  readonly embedding: Embedding
  readonly target_embedding: Embedding | null
  readonly transformer: EncoderDecoder
  readonly generator: Linear | null
  readonly #positions: Tensor   // (nPositions, C)

  constructor(options: TransformerOptions, { seed, device }: { seed: number | null; device?: Device }) {
    super()
    const config = transformerConfig(options)
    const { vocabSize, targetVocabSize, nEmbd: width, nLayer, nHead, nInner, normFirst, pdrop, tieWordEmbeddings } = config
    const initializer = new Initializer(seed, { device })
    const std = 1 / Math.sqrt(width)   // tables are multiplied by √C when they embed, and not when they score
    this.config = config
    this.embedding = new Embedding({ count: vocabSize, width, std, initializer })
    this.target_embedding = tieWordEmbeddings ? null : new Embedding({ count: targetVocabSize, width, std, initializer })
    this.transformer = new EncoderDecoder({ width, nHead, nInner, normFirst, pdrop, encoderLayers: nLayer, decoderLayers: nLayer, initializer })
    this.generator = tieWordEmbeddings ? null : new Linear({ inputs: width, outputs: targetVocabSize, start: 'glorot', initializer })
    this.#positions = sinusoidalPositions(config.nPositions, width, { device })
  }

  forward(source: Tensor, target: Tensor, { noise }: { noise?: Noise | undefined } = {}): Tensor {
    return this.decode(target, this.encode(source, { noise }), source, { noise })
  }

  /** Source ids (B, S) → memory (B, S, C). */
  encode(source: Tensor, { noise }: { noise?: Noise | undefined } = {}): Tensor {
    return this.transformer.encode(this.#embed(source, this.embedding, noise), { sourceMask: this.#real(source), noise })
  }

  /** Target ids (B, T) so far, and the memory of the source → logits (B, T, V). */
  decode(target: Tensor, memory: Tensor, source: Tensor, { noise }: { noise?: Noise | undefined } = {}): Tensor {
    const x = this.#embed(target, this.target_embedding ?? this.embedding, noise)
    return this.#score(this.transformer.decode(x, memory, { sourceMask: this.#real(source), noise }))
  }

  /** What each layer of the decoder looks at of a source (B, S): keys and values (2, B, H, S, D). */
  remember(source: Tensor): Tensor[] {
    return this.transformer.remember(this.encode(source))
  }

  /** New target ids (B, T) behind those in the caches, from column `at` (a scalar, i32) on → logits (B, T, V). Within a compiled function. */
  extendCache(target: Tensor, caches: readonly DecoderCache[], { at, source }: { at: Tensor; source: Tensor }): Tensor {
    const column = arange(target.shape[1], undefined, 1, { device: target.device }).add(at)
    const x = this.#scaled(target, this.target_embedding ?? this.embedding)
    return this.#score(this.transformer.extend(x.add(this.#positions.indexSelect(0, column).to(x.dtype)), caches, { at, sourceMask: this.#real(source) }))
  }

  #score(hidden: Tensor): Tensor {
    return this.generator === null ? this.embedding.scores(hidden) : this.generator.forward(hidden)
  }

  #scaled(ids: Tensor, table: Embedding): Tensor {
    return table.forward(ids).mul(Math.sqrt(this.config.nEmbd))
  }

  /** Mean cross-entropy of the targets after the first: the decoder reads target[0 … T−2] and is to say target[1 … T−1]. Padding does not count. */
  loss({ source, target }: { source: Tensor; target: Tensor }, noise?: Noise): Tensor {
    const T = target.shape[1]
    const logits = this.forward(source, target.narrow(1, 0, T - 1), { noise })
    const { padToken: ignoreIndex, labelSmoothing } = this.config
    return crossEntropy(logits, target.narrow(1, 1, T - 1), { ignoreIndex, labelSmoothing })
  }

  #real(ids: Tensor): Tensor {
    return ids.ne(this.config.padToken)
  }

  #embed(ids: Tensor, table: Embedding, noise: Noise | undefined): Tensor {
    const T = ids.shape[1]
    const { nPositions, pdrop } = this.config
    if (T > nPositions) throw new DataError(`Transformer: at most nPositions = ${nPositions} tokens fit, got ${T}`)
    const embedded = this.#scaled(ids, table)
    return drop(embedded.add(this.#positions.narrow(0, 0, T).to(embedded.dtype)), pdrop, noise)
  }
}
