// The two stacks of the 2017 Transformer, on vectors: PyTorch's nn.Transformer with its parameter names. Embeddings and the output layer are the
// model's (models/transformer.ts).
import type { Tensor } from '@abovo/tensor-webgpu'
import { Module } from '../module.js'
import { DecoderLayer, type DecoderCache } from './decoder-layer.js'
import { EncoderLayer, type TransformerLayerOptions } from './encoder-layer.js'
import { LayerNorm } from './layer-norm.js'
import type { Noise } from './noise.js'

export interface EncoderDecoderOptions extends TransformerLayerOptions {
  encoderLayers: number
  decoderLayers: number
}

export interface EncoderDecoderInput {
  /** (B, S) bool: true where the source is real. */
  sourceMask?: Tensor | undefined
  noise?: Noise | undefined
}

const keyMask = (mask: Tensor | undefined): Tensor | undefined => mask?.reshape([mask.shape[0], 1, 1, mask.shape[1]])   // (B, 1, 1, S)

/**
 * @example
 * const stacks = new EncoderDecoder({ width: 16, nHead: 4, nInner: 24, normFirst: false, encoderLayers: 2, decoderLayers: 2, initializer })
 * const y = stacks.forward(source, target)   // (B, S, C), (B, T, C) → (B, T, C)
 */
export class EncoderDecoder extends Module {
  readonly encoder: { readonly layers: readonly EncoderLayer[]; readonly norm: LayerNorm }
  readonly decoder: { readonly layers: readonly DecoderLayer[]; readonly norm: LayerNorm }

  constructor({ encoderLayers, decoderLayers, ...layer }: EncoderDecoderOptions) {
    super()
    const { width, initializer } = layer
    this.encoder = { layers: Array.from({ length: encoderLayers }, () => new EncoderLayer(layer)), norm: new LayerNorm({ width, initializer }) }
    this.decoder = { layers: Array.from({ length: decoderLayers }, () => new DecoderLayer(layer)), norm: new LayerNorm({ width, initializer }) }
  }

  /** Source (B, S, C) → memory (B, S, C). */
  encode(source: Tensor, { sourceMask, noise }: EncoderDecoderInput = {}): Tensor {
    const mask = keyMask(sourceMask)
    return this.encoder.norm.forward(this.encoder.layers.reduce((x, layer) => layer.forward(x, { mask, noise }), source))
  }

  /** Target (B, T, C), of which position t sees 0 … t, and memory (B, S, C) → (B, T, C). */
  decode(target: Tensor, memory: Tensor, { sourceMask, noise }: EncoderDecoderInput = {}): Tensor {
    const memoryMask = keyMask(sourceMask)
    return this.decoder.norm.forward(this.decoder.layers.reduce((x, layer) => layer.forward(x, memory, { memoryMask, noise }), target))
  }

  /** Keys and values of the memory (B, S, C) for each layer of the decoder. */
  remember(memory: Tensor): Tensor[] {
    return this.decoder.layers.map(layer => layer.multihead_attn.remember(memory))
  }

  /** New target tokens (B, T, C) behind those in the caches, one a layer. Within a compiled function. */
  extend(target: Tensor, caches: readonly DecoderCache[], { at, sourceMask }: { at: Tensor; sourceMask?: Tensor | undefined }): Tensor {
    const memoryMask = keyMask(sourceMask)
    return this.decoder.norm.forward(this.decoder.layers.reduce((x, layer, l) => layer.extend(x, caches[l], { at, memoryMask }), target))
  }

  forward(source: Tensor, target: Tensor, input: EncoderDecoderInput = {}): Tensor {
    return this.decode(target, this.encode(source, input), input)
  }
}
