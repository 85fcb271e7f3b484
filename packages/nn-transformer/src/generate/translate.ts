// Writing a target for a source with the encoder-decoder: greedily for many sources at once, or by beam search for one. The encoder runs once a source,
// the decoder once a token (translation-session.ts).
import { tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { checkTokens } from '../data/check-tokens.js'
import { DataError } from '../errors.js'
import type { Transformer } from '../models/transformer.js'
import { beamSearch, type Hypothesis } from './beam-search.js'
import { likeliest } from './sampling.js'
import { TranslationSession } from './translation-session.js'

export interface TranslatorOptions {
  startToken: number
  endToken: number
  /** Of targets, start and end included. The model's nPositions by default. */
  maxLength?: number
}

/** Sessions kept, each with the plans and caches of one number and length of sources; the least recently used goes first. */
const CAPACITY = 8

/**
 * @example
 * const translator = new Translator(model, { startToken: 1, endToken: 2 })
 * const [reversed] = await translator.greedy([[5, 6, 7]])       // [1, …, 2]
 * const [best] = await translator.beam([5, 6, 7], { beams: 4 })
 */
export class Translator {
  readonly #model: Transformer
  readonly #device: Device
  readonly #options: Required<TranslatorOptions>
  /** By number and length of sources. */
  readonly #idle = new Map<string, TranslationSession>()

  constructor(model: Transformer, { startToken, endToken, maxLength = model.config.nPositions }: TranslatorOptions) {
    if (maxLength > model.config.nPositions || maxLength < 2) throw new DataError(`Translator: maxLength must lie between 2 and the model's nPositions ${model.config.nPositions}, got ${maxLength}`)
    this.#model = model
    this.#device = model.embedding.weight.device
    this.#options = { startToken, endToken, maxLength }
  }

  /** The likeliest token each time. Gives targets with start and, unless cut off at maxLength, end token. */
  greedy(sources: readonly ArrayLike<number>[]): Promise<number[][]> {
    const { startToken, endToken, maxLength } = this.#options
    return this.#during(sources, async session => {
      const rows = sources.map(() => [startToken])
      const isOpen = (row: readonly number[]): boolean => row[row.length - 1] !== endToken || row.length === 1
      for (let length = 1; length < maxLength && rows.some(isOpen); length++) {
        // a row that has ended goes on with its end, and is not looked at
        const logits = await session.next(Int32Array.from(rows, row => row[row.length - 1]))
        const V = logits.length / rows.length
        rows.forEach((row, b) => isOpen(row) && row.push(likeliest(logits.subarray(b * V, (b + 1) * V))))
      }
      return rows
    })
  }

  /** The best targets for one source, best first. */
  beam(source: ArrayLike<number>, { beams = 4, lengthPenalty = 0.6 }: { beams?: number; lengthPenalty?: number } = {}): Promise<Hypothesis[]> {
    const { startToken, endToken, maxLength } = this.#options
    // one row a beam from the start, so that one plan serves all lengths
    return this.#during(Array.from({ length: beams }, () => source), session => {
      const next = async (rows: readonly (readonly number[])[], sources: readonly number[]): Promise<ArrayLike<number>> => {
        const row = (i: number): number => Math.min(i, rows.length - 1)
        const tokens = Int32Array.from({ length: beams }, (_, i) => rows[row(i)][rows[row(i)].length - 1])
        const logits = await session.next(tokens, Int32Array.from({ length: beams }, (_, i) => sources[row(i)]))
        return logits.subarray(0, (logits.length / beams) * rows.length)
      }
      return beamSearch([startToken], next, { beams, maxLength, endToken, lengthPenalty })
    })
  }

  dispose(): void {
    for (const session of this.#idle.values()) session.dispose()
    this.#idle.clear()
  }

  /** A session belongs to one call at a time: calls that overlap have one each. */
  async #during<R>(sources: readonly ArrayLike<number>[], write: (session: TranslationSession) => Promise<R>): Promise<R> {
    const source = this.#sourceTensor(sources)
    const [batchSize, sourceLength] = source.shape
    const key = `${batchSize} x ${sourceLength}`
    const session = this.#idle.get(key) ?? new TranslationSession(this.#model, { batchSize, sourceLength, length: this.#options.maxLength, device: this.#device })
    this.#idle.delete(key)
    try {
      session.begin(source)
      return await write(session)
    } finally {
      this.#keep(key, session)
    }
  }

  #keep(key: string, session: TranslationSession): void {
    this.#idle.get(key)?.dispose()
    this.#idle.set(key, session)
    const [oldest] = this.#idle
    if (this.#idle.size <= CAPACITY) return
    this.#idle.delete(oldest[0])
    oldest[1].dispose()
  }

  /** Sources padded on the right, (B, S). */
  #sourceTensor(sources: readonly ArrayLike<number>[]): Tensor {
    const { padToken, vocabSize, nPositions } = this.#model.config
    const longest = Math.max(...sources.map(source => source.length))
    if (!(longest > 0 && longest <= nPositions)) throw new DataError(`Translator: sources must have 1 to nPositions = ${nPositions} tokens, got ${longest}`)
    // full multiples of 8: a plan is kept for each size
    const S = Math.min(nPositions, Math.ceil(longest / 8) * 8)
    const ids = new Int32Array(sources.length * S).fill(padToken)
    sources.forEach((source, b) => {
      checkTokens(`Translator: source ${b}`, source, vocabSize)
      for (let s = 0; s < source.length; s++) ids[b * S + s] = source[s]
    })
    return tensor(ids, { shape: [sources.length, S], device: this.#device })
  }
}
