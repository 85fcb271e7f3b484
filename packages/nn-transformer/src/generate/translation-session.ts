// Targets being written for some sources: the encoder has run once, the decoder keeps keys and values of the source and of what is written so far.
import { compile, tensor, zeros, type Compiled, type Device, type Tensor } from '@abovo/tensor-webgpu'
import type { DecoderCache } from '../layers/decoder-layer.js'
import { makeLayerCache } from '../layers/key-value-cache.js'
import type { Transformer } from '../models/transformer.js'

type Logits = Float32Array | Float64Array

export interface TranslationSizes {
  readonly batchSize: number
  /** S: tokens of a source, padding included. */
  readonly sourceLength: number
  /** Tokens of a target. */
  readonly length: number
  readonly device: Device
}

export class TranslationSession {
  readonly #sizes: TranslationSizes
  readonly #caches: readonly DecoderCache[]
  /** (B, S) ids. */
  readonly #source: Tensor
  readonly #begin: Compiled<[Tensor], void>
  readonly #next: Compiled<[Tensor, Tensor], Tensor>
  readonly #nextFrom: Compiled<[Tensor, Tensor, Tensor], Tensor>
  /** Columns filled so far. */
  #at = 0

  constructor(model: Transformer, sizes: TranslationSizes) {
    const { batchSize, sourceLength, length, device } = sizes
    const { nHead, nEmbd } = model.config
    const headWidth = nEmbd / nHead
    this.#sizes = sizes
    this.#caches = model.transformer.decoder.layers.map(() => ({ own: makeLayerCache({ batchSize, nHead, length, headWidth, device }), memory: zeros([2, batchSize, nHead, sourceLength, headWidth], { device }) }))
    this.#source = zeros([batchSize, sourceLength], { dtype: 'i32', device })
    this.#begin = compile((source: Tensor) => {
      this.#source.assign(source)
      model.remember(source).forEach((keysAndValues, l) => this.#caches[l].memory.assign(keysAndValues))
    }, { device })
    const extend = (ids: Tensor, at: Tensor): Tensor => model.extendCache(ids.reshape([batchSize, 1]), this.#caches, { at: at.to('i32'), source: this.#source }).squeeze(1)   // (B, V)
    this.#next = compile(extend, { device })
    this.#nextFrom = compile((ids: Tensor, at: Tensor, rows: Tensor) => {
      for (const { own } of this.#caches) own.keysAndValues.assign(own.keysAndValues.indexSelect(1, rows))
      return extend(ids, at)
    }, { device })
  }

  /** Starts over with sources (B, S), padded on the right. */
  begin(source: Tensor): void {
    this.#begin(source)
    this.#at = 0
  }

  /** Adds one token a row: logits (B, V) of the one after. Row i goes on from what row `rows[i]` was; without `rows` from its own. */
  async next(tokens: Int32Array, rows?: Int32Array): Promise<Logits> {
    const { device } = this.#sizes
    const ids = tensor(tokens, { device })
    const at = this.#at++
    const logits = await (rows === undefined ? this.#next(ids, at) : this.#nextFrom(ids, at, tensor(rows, { device }))).data()
    return logits instanceof Float64Array ? logits : Float32Array.from(logits)
  }

  dispose(): void {
    for (const plans of [this.#begin, this.#next, this.#nextFrom]) plans.dispose()
    this.#source.dispose()
    for (const { own, memory } of this.#caches) {
      own.keysAndValues.dispose()
      memory.dispose()
    }
  }
}
