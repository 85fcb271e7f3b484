// What generation needs of a model: take prompts, then one token a row at a time, and say how likely each next token is. The three kinds of session
// differ in what they remember: nothing (here), keys and values (cached-session.ts), a recurrent state (recurrent-session.ts).
import { compile, tensor, type Compiled, type Device, type Tensor, type TypedArray } from '@abovo/tensor-webgpu'
import type { LanguageModel } from '../models/language-model.js'
import type { Choices } from './choice-table.js'
import type { SamplingOptions } from './sampling.js'

export interface DecodingSession {
  readonly batchSize: number
  readonly vocabSize: number
  /** How many tokens, prompt included, a row can hold before the session must begin anew with fewer. Infinity if there is no limit. */
  readonly capacity: number
  /** How much of it is used, by the longest row. */
  readonly held: number
  /**
   * Starts over with one prompt a row (not empty, at most `capacity` tokens): logits (B, V) of each row's next token. `following` says how many
   * tokens are to be added by `next`, so that a session can keep room for them.
   */
  begin(prompts: readonly Int32Array[], following?: number): Promise<TypedArray>
  /** Adds one token a row: logits (B, V) of the one after. */
  next(tokens: Int32Array): Promise<TypedArray>
  /** Frees the session's device memory and plans. */
  dispose(): void
}

/** A session that also chooses tokens on its device, each the input of the next step: nothing has to be read in between. */
export interface ChoosingSession extends DecodingSession {
  readonly device: Device
  /**
   * As `begin`, and chooses each row's next token, by `uniform(0, row)`; those of the later turns, at most `following`, by `uniform(turn, row)`. Numbers
   * in [0, 1).
   */
  beginChoosing(prompts: readonly Int32Array[], following: number, sampling: SamplingOptions, uniform: (turn: number, row: number) => number): void
  /** Adds the tokens chosen last, and chooses the next. Does not wait. */
  chooseNext(): void
  /** What was chosen up to this call, from turn `from` on; `beginChoosing` was turn 0. */
  chosen(from: number): Promise<Choices>
}

export interface SessionOptions {
  batchSize?: number
  /** At most the model's context length. */
  capacity?: number
}

/** Which device a model's parameters are on. */
export function deviceOf(model: LanguageModel): Device {
  return model.parameters()[0].device
}

/** Computes the whole sequence anew for every token. For any language model; the others are faster. */
export class PlainSession implements DecodingSession {
  readonly batchSize: number
  readonly vocabSize: number
  readonly capacity: number
  readonly #device: Device
  readonly #rows: number[][]
  readonly #logitsAt: Compiled<[Tensor, Tensor], Tensor>

  constructor(model: LanguageModel, { batchSize = 1, capacity = model.contextLength ?? 64 }: SessionOptions = {}) {
    this.batchSize = batchSize
    this.vocabSize = model.vocabSize
    this.capacity = capacity
    this.#device = deviceOf(model)
    this.#rows = Array.from({ length: batchSize }, () => [])
    // ids (B, T) with whatever behind each row's end, and last (B,): logits (B, V)
    this.#logitsAt = compile((ids: Tensor, last: Tensor) => {
      const B = ids.shape[0]
      const logits = model.forward(ids)   // (B, T, V)
      return logits.gather(1, last.reshape([B, 1, 1]).expand([B, 1, model.vocabSize])).reshape([B, model.vocabSize])
    })
  }

  get held(): number {
    return Math.max(...this.#rows.map(row => row.length))
  }

  begin(prompts: readonly Int32Array[]): Promise<TypedArray> {
    prompts.forEach((prompt, b) => (this.#rows[b] = [...prompt]))
    return this.#read()
  }

  next(tokens: Int32Array): Promise<TypedArray> {
    this.#rows.forEach((row, b) => row.push(tokens[b]))
    return this.#read()
  }

  dispose(): void {
    this.#logitsAt.dispose()
  }

  #read(): Promise<TypedArray> {
    const [B, T] = [this.batchSize, this.capacity]
    const ids = new Int32Array(B * T)
    this.#rows.forEach((row, b) => ids.set(row, b * T))
    const last = Int32Array.from(this.#rows, row => row.length - 1)
    return this.#logitsAt(tensor(ids, { shape: [B, T], device: this.#device }), tensor(last, { device: this.#device })).data()
  }
}
