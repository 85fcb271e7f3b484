// Decoding with a recurrent state: it is all the model remembers, so a token costs the same however long the text is.
import { compile, tensor, zeros, type Compiled, type Device, type Tensor, type TypedArray } from '@abovo/tensor-webgpu'
import type { RecurrentState } from '../layers/recurrent-cell.js'
import type { LanguageModel } from '../models/language-model.js'
import { deviceOf, type DecodingSession, type SessionOptions } from './decoding-session.js'

/** A model with a state: RecurrentLanguageModel. */
export interface RecurrentModel extends LanguageModel {
  readonly config: { readonly nLayer: number; readonly nEmbd: number }
  advance(ids: Tensor, options?: { states?: readonly RecurrentState[] }): { logits: Tensor; states: RecurrentState[] }
}

/** Rows of different lengths start at different steps: before its prompt a row's state is held at zero. */
export class RecurrentSession implements DecodingSession {
  readonly batchSize: number
  readonly vocabSize: number
  readonly capacity = Infinity
  readonly held = 0
  readonly #device: Device
  readonly #states: readonly { hidden: Tensor; cell: Tensor }[]
  readonly #advance: Compiled<[Tensor, Tensor], Tensor>

  constructor(model: RecurrentModel, { batchSize: B = 1 }: SessionOptions = {}) {
    const { nLayer, nEmbd: C } = model.config
    this.batchSize = B
    this.vocabSize = model.vocabSize
    this.#device = deviceOf(model)
    this.#states = Array.from({ length: nLayer }, () => ({ hidden: zeros([B, C], { device: this.#device }), cell: zeros([B, C], { device: this.#device }) }))
    // ids (B,); awake (B,): 0 leaves the row at zero. Logits (B, V).
    this.#advance = compile((ids: Tensor, awake: Tensor) => {
      const { logits, states } = model.advance(ids.reshape([B, 1]), { states: this.#states })
      const keep = awake.reshape([B, 1])
      states.forEach(({ hidden, cell }, l) => {
        this.#states[l].hidden.assign(hidden.mul(keep))
        if (cell !== undefined) this.#states[l].cell.assign(cell.mul(keep))
      })
      return logits.reshape([B, model.vocabSize])
    })
  }

  begin(prompts: readonly Int32Array[]): Promise<TypedArray> {
    const longest = Math.max(...prompts.map(prompt => prompt.length))
    // the states as they are do not matter: they are multiplied by zero first
    let logits = this.#step(new Int32Array(this.batchSize), new Float32Array(this.batchSize))
    for (let t = 0; t < longest; t++) {
      const begun = prompts.map(prompt => t - (longest - prompt.length))   // place in the prompt, negative before it
      logits.dispose()
      logits = this.#step(Int32Array.from(begun, (place, b) => (place < 0 ? 0 : prompts[b][place])), Float32Array.from(begun, place => (place < 0 ? 0 : 1)))
    }
    return logits.data()
  }

  next(tokens: Int32Array): Promise<TypedArray> {
    return this.#step(tokens, new Float32Array(this.batchSize).fill(1)).data()
  }

  dispose(): void {
    this.#advance.dispose()
    for (const { hidden, cell } of this.#states) {
      hidden.dispose()
      cell.dispose()
    }
  }

  #step(tokens: Int32Array, awake: Float32Array): Tensor {
    return this.#advance(tensor(tokens, { device: this.#device }), tensor(awake, { device: this.#device }))
  }
}
