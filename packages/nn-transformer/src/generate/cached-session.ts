// Decoding with a cache of keys and values, of fixed length: one compiled function takes the prompts, another each further token; two more do the same
// and choose what comes next. Prompts of different lengths are padded on the left, so that all rows write the same column.
import { compile, tensor, zeros, type Compiled, type Device, type Tensor, type TypedArray } from '@abovo/tensor-webgpu'
import { makeLayerCache, realColumns, type LayerCache } from '../layers/key-value-cache.js'
import type { GptCacheView } from '../models/gpt.js'
import type { LanguageModel } from '../models/language-model.js'
import { ChoiceTable, type Choices } from './choice-table.js'
import { deviceOf, type ChoosingSession, type SessionOptions } from './decoding-session.js'
import type { SamplingOptions } from './sampling.js'

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
export class CachedSession implements ChoosingSession {
  readonly batchSize: number
  readonly vocabSize: number
  readonly capacity: number
  readonly device: Device
  readonly #model: CachingModel
  readonly #layers: readonly LayerCache[]
  /** (B,): how many columns of padding each row begins with. */
  readonly #start: Tensor
  /** (B, 1, 1, S): which columns are none of that padding. Made with the prompts. */
  readonly #real: Tensor
  readonly #choices: ChoiceTable
  readonly #begin: Compiled<[Tensor], Tensor>
  readonly #next: Compiled<[Tensor, Tensor], Tensor>
  readonly #beginChoosing: Compiled<[Tensor], void>
  readonly #chooseNext: Compiled<[Tensor], void>
  /** Columns filled so far. */
  #at = 0
  /** Columns that there are random numbers for. */
  #end = 0
  /** Columns of the prompts; null before the first. */
  #width: number | null = null

  constructor(model: CachingModel, { batchSize = 1, capacity = model.contextLength }: SessionOptions = {}) {
    const { nLayer, nHead, nEmbd } = model.config
    this.batchSize = batchSize
    this.vocabSize = model.vocabSize
    this.capacity = Math.min(capacity, model.contextLength)
    this.device = deviceOf(model)
    this.#model = model
    const { device } = this
    const first = zeros([], { dtype: 'i32', device })
    const shape = { batchSize, nHead, length: this.capacity, headWidth: nEmbd / nHead, device }
    this.#layers = Array.from({ length: nLayer }, () => makeLayerCache(shape))
    this.#start = zeros([batchSize], { dtype: 'i32', device })
    this.#real = zeros([batchSize, 1, 1, this.capacity], { dtype: 'bool', device })
    this.#choices = new ChoiceTable({ batchSize, rows: this.capacity + 1, device })
    this.#begin = compile((ids: Tensor) => this.#logits(ids, first, true), { device })
    this.#next = compile((ids: Tensor, at: Tensor) => this.#logits(ids, at.to('i32'), false), { device })
    this.#beginChoosing = compile((ids: Tensor) => this.#choices.choose(this.#logits(ids, first, true), first.add(ids.shape[1])), { device })
    this.#chooseNext = compile((at: Tensor) => {
      const column = at.to('i32')
      this.#choices.choose(this.#logits(this.#choices.tokensAt(column).reshape([batchSize, 1]), column, false), column.add(1))
    }, { device })
  }

  get held(): number {
    return this.#at
  }

  begin(prompts: readonly Int32Array[], following = 0): Promise<TypedArray> {
    return this.#begin(this.#open(prompts, following)).data()
  }

  next(tokens: Int32Array): Promise<TypedArray> {
    this.#checkRoom('next', 'begin')
    return this.#next(this.#idsOf(tokens, 1), this.#at++).data()
  }

  beginChoosing(prompts: readonly Int32Array[], following: number, sampling: SamplingOptions, uniform: (turn: number, row: number) => number): void {
    const ids = this.#open(prompts, following)
    const first = this.#at
    this.#end = Math.min(this.capacity, first + following)
    this.#choices.prepare(first, this.#end + 1, sampling, (column, b) => uniform(column - first, b))
    this.#beginChoosing(ids)
  }

  chooseNext(): void {
    this.#checkRoom('chooseNext', 'beginChoosing')
    if (this.#at >= this.#end) throw new RangeError(`CachedSession.chooseNext: at most as many tokens as beginChoosing() was told must follow, got one more than ${this.#end - (this.#width ?? 0)}`)
    this.#chooseNext(this.#at++)
  }

  chosen(from: number): Promise<Choices> {
    return this.#choices.read((this.#width ?? 0) + from, this.#at + 1)
  }

  dispose(): void {
    for (const plans of [this.#begin, this.#next, this.#beginChoosing, this.#chooseNext]) plans.dispose()
    this.#start.dispose()
    this.#real.dispose()
    this.#choices.dispose()
    for (const { keysAndValues } of this.#layers) keysAndValues.dispose()
  }

  /** Ids (B, T) behind `at` columns (a scalar, i32): logits (B, V) of what comes after the last. */
  #logits(ids: Tensor, at: Tensor, isPrompt: boolean): Tensor {
    const T = ids.shape[1]
    if (isPrompt) this.#real.assign(realColumns(this.#start, this.capacity))
    const hidden = this.#model.extendCache(ids, { layers: this.#layers, at, start: this.#start, real: this.#real })   // (B, T, C)
    return this.#model.head(hidden.slice([null, T - 1]))
  }

  /** The prompts as one tensor, which will fill the first columns. */
  #open(prompts: readonly Int32Array[], following: number): Tensor {
    const longest = Math.max(...prompts.map(prompt => prompt.length))
    const width = paddedLength(longest, following, this.capacity)
    const ids = new Int32Array(this.batchSize * width)
    prompts.forEach((prompt, b) => ids.set(prompt, (b + 1) * width - prompt.length))
    this.#start.write(Int32Array.from(prompts, prompt => width - prompt.length))
    this.#at = this.#width = width
    return this.#idsOf(ids, width)
  }

  #idsOf(ids: Int32Array, width: number): Tensor {
    return tensor(ids, { shape: [this.batchSize, width], device: this.device })
  }

  #checkRoom(method: string, opening: string): void {
    if (this.#width === null) throw new RangeError(`CachedSession.${method}: ${opening}() must come first`)
    if (this.#at >= this.capacity) throw new RangeError(`CachedSession.${method}: the cache holds ${this.capacity} tokens and is full; ${opening}() again with fewer`)
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
