// The n-gram model: how often did this token follow the last n−1? With Witten-Bell's interpolation for what was never seen (1991; Chen and Goodman
// 1998, eq. 15-16). No tensors and no training but counting: the baseline that every neural model must beat.
import { RandomStream } from '@abovo/tensor-webgpu'
import { checkTokens } from '../data/check-tokens.js'
import { ConfigError, DataError } from '../errors.js'
import { NGramCounts } from './ngram-counts.js'

export interface NGramOptions {
  /** n: the token and n−1 before it. */
  order: number
  vocabSize: number
}

/**
 * @example
 * const model = new NGram({ order: 5, vocabSize: 65 })
 * model.count(trainTokens)
 * model.natsOf(validationTokens) / (validationTokens.length - 1)   // 1.669 on tiny shakespeare
 */
export class NGram {
  readonly order: number
  readonly vocabSize: number
  readonly #counts: NGramCounts

  constructor({ order, vocabSize }: NGramOptions) {
    if (!(Number.isSafeInteger(order) && order > 0)) throw new ConfigError(`NGram: order must be a positive integer, got ${order}`)
    if (!(Number.isSafeInteger(vocabSize) && vocabSize > 0)) throw new ConfigError(`NGram: vocabSize must be a positive integer, got ${vocabSize}`)
    this.order = order
    this.vocabSize = vocabSize
    this.#counts = new NGramCounts(order)
  }

  /** Number of different sequences of 1 to n tokens seen. */
  get sequences(): number {
    return this.#counts.size
  }

  /** Adds a text. Throws DataError for ids outside the vocabulary. */
  count(tokens: ArrayLike<number>): this {
    checkTokens('NGram.count', tokens, this.vocabSize)
    this.#counts.add(tokens)
    return this
  }

  /** P(token | the last n−1 tokens of `before`). */
  probability(before: ArrayLike<number>, token: number): number {
    return this.#interpolate(this.#contexts(before), token)
  }

  /** log P of every token after `before`: what a sampler takes for logits. */
  logits(before: ArrayLike<number>): Float64Array {
    const contexts = this.#contexts(before)
    return Float64Array.from({ length: this.vocabSize }, (_, token) => Math.log(this.#interpolate(contexts, token)))
  }

  /** Total −log P of tokens 1 to n−1, as Evaluator has it. */
  natsOf(tokens: ArrayLike<number>): number {
    checkTokens('NGram.natsOf', tokens, this.vocabSize)
    if (tokens.length < 2) throw new DataError(`NGram.natsOf: at least two tokens are needed, got ${tokens.length}`)
    let nats = 0
    let contexts = this.#counts.after(this.#counts.start(), tokens[0])
    for (let i = 1; i < tokens.length; i++) {
      nats -= Math.log(this.#interpolate(contexts, tokens[i]))
      contexts = this.#counts.after(contexts, tokens[i])
    }
    return nats
  }

  /** Draws a continuation. */
  generate(prompt: ArrayLike<number>, { maxNewTokens, seed }: { maxNewTokens: number; seed: number }): Int32Array {
    checkTokens('NGram.generate', prompt, this.vocabSize)
    const stream = new RandomStream(seed)
    let contexts = this.#contexts(prompt)
    return Int32Array.from({ length: maxNewTokens }, () => {
      let rest = stream.uniform()
      let token = 0
      while (token < this.vocabSize - 1 && (rest -= this.#interpolate(contexts, token)) >= 0) token++
      contexts = this.#counts.after(contexts, token)
      return token
    })
  }

  #contexts(before: ArrayLike<number>): readonly number[] {
    let contexts = this.#counts.start()
    for (let i = Math.max(0, before.length - this.order + 1); i < before.length; i++) contexts = this.#counts.after(contexts, before[i])
    return contexts
  }

  /** P_k = (c(context, token) + u·P_{k−1}) / (c(context) + u), where u different tokens were seen after the context; P_{−1} is uniform. */
  #interpolate(contexts: readonly number[], token: number): number {
    const { occurrences, followers, countOf } = this.#counts
    let p = 1 / this.vocabSize
    for (const context of contexts) {
      const seen = occurrences(context)
      if (seen === 0) break
      const different = followers(context)
      p = (countOf(context, token) + different * p) / (seen + different)
    }
    return p
  }
}
