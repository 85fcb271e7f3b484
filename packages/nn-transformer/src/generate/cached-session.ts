// Decoding with a cache of keys and values, of fixed length: one compiled function takes the prompts, another (the same, traced for one token) each
// further token. Prompts of different lengths are padded on the left, so that all rows write the same column.
import { compile, tensor, type Compiled, type Device, type Tensor, type TypedArray } from '@abovo/tensor-webgpu'
import { makeLayerCache, type LayerCache } from '../layers/key-value-cache.js'
import type { GptCacheView } from '../models/gpt.js'
import type { LanguageModel } from '../models/language-model.js'
import { deviceOf, type DecodingSession, type SessionOptions } from './decoding-session.js'

/** A model that can extend a cache: Gpt. */
export interface CachingModel extends LanguageModel {
  readonly contextLength: number
  readonly config: { readonly nLayer: number; readonly nHead: number; readonly nEmbd: number }
  extendCache(ids: Tensor, view: GptCacheView): Tensor
  head(hidden: Tensor): Tensor
}

/**
 * @example
 * const session = new CachedSession(model, { batchSize: 2 })
 * const logits = await session.begin([Int32Array.of(5, 6), Int32Array.of(7)])   // (2, V)
 * await session.next(Int32Array.of(1, 2))
 */
export class CachedSession implements DecodingSession {
  readonly batchSize: number
  readonly vocabSize: number
  readonly capacity: number
  readonly #device: Device
  readonly #layers: readonly LayerCache[]
  readonly #extend: Compiled<[Tensor, Tensor, Tensor], Tensor>
  /** Columns filled so far. */
  #at = 0
  #start: Tensor | null = null

  constructor(model: CachingModel, { batchSize = 1, capacity = model.contextLength }: SessionOptions = {}) {
    const { nLayer, nHead, nEmbd } = model.config
    this.batchSize = batchSize
    this.vocabSize = model.vocabSize
    this.capacity = Math.min(capacity, model.contextLength)
    this.#device = deviceOf(model)
    const shape = { batchSize, nHead, length: this.capacity, headWidth: nEmbd / nHead, device: this.#device }
    this.#layers = Array.from({ length: nLayer }, () => makeLayerCache(shape))
    this.#extend = compile((ids: Tensor, at: Tensor, start: Tensor) => {
      const T = ids.shape[1]
      const hidden = model.extendCache(ids, { layers: this.#layers, at, start })   // (B, T, C)
      return model.head(hidden.slice([null, T - 1]))   // (B, V)
    })
  }

  get held(): number {
    return this.#at
  }

  begin(prompts: readonly Int32Array[], following = 0): Promise<TypedArray> {
    const longest = Math.max(...prompts.map(prompt => prompt.length))
    const width = paddedLength(longest, following, this.capacity)
    const ids = new Int32Array(this.batchSize * width)
    prompts.forEach((prompt, b) => ids.set(prompt, (b + 1) * width - prompt.length))
    this.#start?.dispose()
    this.#start = tensor(Int32Array.from(prompts, prompt => width - prompt.length), { device: this.#device })
    this.#at = 0
    return this.#run(ids, width, this.#start)
  }

  next(tokens: Int32Array): Promise<TypedArray> {
    if (this.#start === null) throw new RangeError('CachedSession.next: begin() must come first')
    if (this.#at >= this.capacity) throw new RangeError(`CachedSession.next: the cache holds ${this.capacity} tokens and is full; begin() again with fewer`)
    return this.#run(tokens, 1, this.#start)
  }

  dispose(): void {
    this.#extend.dispose()
    this.#start?.dispose()
    for (const { keysAndValues } of this.#layers) keysAndValues.dispose()
  }

  #run(ids: Int32Array, width: number, start: Tensor): Promise<TypedArray> {
    const logits = this.#extend(tensor(ids, { shape: [this.batchSize, width], device: this.#device }), this.#at, start)
    this.#at += width
    return logits.data()
  }
}

/**
 * Every length of prompt would be a plan of its own: they are rounded up to a power of two, if no more than a quarter of the cache is lost by it
 * and what is to follow still fits where it would without.
 */
function paddedLength(longest: number, following: number, capacity: number): number {
  const rounded = Math.max(8, 2 ** Math.ceil(Math.log2(longest)))
  const crowdsOut = longest + following <= capacity && rounded + following > capacity
  return rounded - longest <= capacity / 4 && rounded < capacity && !crowdsOut ? rounded : longest
}
