// Tokens chosen on the device: row s of the table is what goes into column s of the cache. A compiled step takes its input from there and writes its
// choice one row further, so that a token need not visit the host for the next one to be computed. What is chosen is read when somebody wants it.
import { categorical, tensor, zeros, type Device, type Tensor } from '@abovo/tensor-webgpu'
import type { SamplingOptions } from './sampling.js'

/** More than any vocabulary has. */
const ALL = 2 ** 31 - 1

export interface Choices {
  /** (T, B): T tokens of each row. */
  readonly tokens: Int32Array
  readonly logProbs: Float32Array
}

export class ChoiceTable {
  readonly #batchSize: number
  readonly #rows: number
  /** Each (rows, B). */
  readonly #tokens: Tensor
  readonly #logProbs: Tensor
  /** The random number that each choice is made by. */
  readonly #uniforms: Tensor
  /** Scalars. */
  readonly #temperature: Tensor
  readonly #topK: Tensor
  readonly #topP: Tensor

  constructor({ batchSize, rows, device }: { batchSize: number; rows: number; device: Device }) {
    this.#batchSize = batchSize
    this.#rows = rows
    this.#tokens = zeros([rows, batchSize], { dtype: 'i32', device })
    this.#logProbs = zeros([rows, batchSize], { device })
    this.#uniforms = tensor(new Float32Array(rows * batchSize), { shape: [rows, batchSize], device })
    this.#temperature = tensor(1, { device })
    this.#topK = tensor(ALL, { dtype: 'i32', device })
    this.#topP = tensor(1, { device })
  }

  /** How the next tokens are chosen: by `uniform(s, b)`, in [0, 1), what goes into row s, for the rows from `first` up to `end`. */
  prepare(first: number, end: number, { temperature = 1, topK = ALL, topP = 1 }: SamplingOptions, uniform: (row: number, b: number) => number): void {
    const numbers = new Float32Array(this.#rows * this.#batchSize)
    for (let row = first; row < end; row++) for (let b = 0; b < this.#batchSize; b++) numbers[row * this.#batchSize + b] = uniform(row, b)
    this.#uniforms.write(numbers)
    this.#temperature.write(Float32Array.of(temperature))
    this.#topK.write(Int32Array.of(Math.min(topK, ALL)))
    this.#topP.write(Float32Array.of(topP))
  }

  /** The tokens (B,) of row `at` (a scalar, i32). Within a compiled function, as `choose`. */
  tokensAt(at: Tensor): Tensor {
    return this.#rowOf(this.#tokens, at)
  }

  /** Chooses from logits (B, V) what goes into row `at`. */
  choose(logits: Tensor, at: Tensor): void {
    const { index, logProb } = categorical(logits, this.#rowOf(this.#uniforms, at), { temperature: this.#temperature, topK: this.#topK, topP: this.#topP })
    this.#tokens.assign(this.#tokens.sliceScatter(0, at, index.reshape([1, this.#batchSize])))
    this.#logProbs.assign(this.#logProbs.sliceScatter(0, at, logProb.reshape([1, this.#batchSize])))
  }

  #rowOf(table: Tensor, at: Tensor): Tensor {
    return table.indexSelect(0, at.reshape([1])).reshape([this.#batchSize])
  }

  /** Rows from `first` up to `end` as the steps given to the device so far leave them. */
  async read(first: number, end: number): Promise<Choices> {
    // both readings are begun before either is waited for
    const [tokens, logProbs] = await Promise.all([this.#tokens.data(), this.#logProbs.data()])
    const [from, to] = [first * this.#batchSize, end * this.#batchSize]
    return { tokens: Int32Array.from(tokens.subarray(from, to)), logProbs: Float32Array.from(logProbs.subarray(from, to)) }
  }

  dispose(): void {
    for (const held of [this.#tokens, this.#logProbs, this.#uniforms, this.#temperature, this.#topK, this.#topP]) held.dispose()
  }
}
