// Writing a target for a source with the encoder-decoder: greedily for many sources at once, or by beam search for one. The encoder runs once; the
// decoder, compiled for the full length, runs over what is written so far.
import { compile, tensor, type Compiled, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { checkTokens } from '../data/check-tokens.js'
import { DataError } from '../errors.js'
import type { Transformer } from '../models/transformer.js'
import { beamSearch, type Hypothesis } from './beam-search.js'
import { likeliest } from './sampling.js'

export interface TranslatorOptions {
  startToken: number
  endToken: number
  /** Of targets, start and end included. The model's nPositions by default. */
  maxLength?: number
}

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
  readonly #encode: Compiled<[Tensor], Tensor>
  readonly #logitsAt: Compiled<[Tensor, Tensor, Tensor, Tensor], Tensor>

  constructor(model: Transformer, { startToken, endToken, maxLength = model.config.nPositions }: TranslatorOptions) {
    if (maxLength > model.config.nPositions || maxLength < 2) throw new DataError(`Translator: maxLength must lie between 2 and the model's nPositions ${model.config.nPositions}, got ${maxLength}`)
    this.#model = model
    this.#device = model.embedding.weight.device
    this.#options = { startToken, endToken, maxLength }
    this.#encode = compile((source: Tensor) => model.encode(source))
    // target (B, T) padded to full length, its last real place (scalar), memory and source: logits (B, V)
    this.#logitsAt = compile((target: Tensor, place: Tensor, memory: Tensor, source: Tensor) => {
      const logits = model.decode(target, memory, source)   // (B, T, V)
      const [B, , V] = logits.shape
      return logits.gather(1, place.to('i32').reshape([1, 1, 1]).expand([B, 1, V])).reshape([B, V])
    })
  }

  /** The likeliest token each time. Gives targets with start and, unless cut off at maxLength, end token. */
  async greedy(sources: readonly ArrayLike<number>[]): Promise<number[][]> {
    const { startToken, endToken, maxLength } = this.#options
    const source = this.#sourceTensor(sources)
    const memory = this.#encode(source)
    const rows = sources.map(() => [startToken])
    const isOpen = (row: readonly number[]): boolean => row[row.length - 1] !== endToken || row.length === 1
    for (let length = 1; length < maxLength && rows.some(isOpen); length++) {
      const logits = await this.#next(rows, length, memory, source)
      const V = logits.length / rows.length
      rows.forEach((row, b) => isOpen(row) && row.push(likeliest(logits.subarray(b * V, (b + 1) * V))))
    }
    return rows
  }

  /** The best targets for one source, best first. */
  async beam(source: ArrayLike<number>, { beams = 4, lengthPenalty = 0.6 }: { beams?: number; lengthPenalty?: number } = {}): Promise<Hypothesis[]> {
    const { startToken, endToken, maxLength } = this.#options
    // one row a beam from the start, so that one plan serves all lengths
    const copies = this.#sourceTensor(Array.from({ length: beams }, () => source))
    const memory = this.#encode(copies)
    const next = async (rows: readonly (readonly number[])[]): Promise<ArrayLike<number>> => {
      const filled = Array.from({ length: beams }, (_, i) => rows[Math.min(i, rows.length - 1)])
      const logits = await this.#next(filled, rows[0].length, memory, copies)
      return logits.subarray(0, (logits.length / beams) * rows.length)
    }
    return beamSearch([startToken], next, { beams, maxLength, endToken, lengthPenalty })
  }

  dispose(): void {
    this.#encode.dispose()
    this.#logitsAt.dispose()
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

  async #next(rows: readonly (readonly number[])[], length: number, memory: Tensor, source: Tensor): Promise<Float32Array | Float64Array> {
    const T = this.#options.maxLength
    const ids = new Int32Array(rows.length * T).fill(this.#model.config.padToken)
    rows.forEach((row, b) => ids.set(row, b * T))
    const target = tensor(ids, { shape: [rows.length, T], device: this.#device })
    const logits = await this.#logitsAt(target, length - 1, memory, source).data()
    return logits instanceof Float64Array ? logits : Float32Array.from(logits)
  }
}
