// Batches for training: windows at random places of one long sequence. The whole state is the stream's counter, so that a run can be resumed.
import type { RandomStream } from '@abovo/tensor-webgpu'
import { DataError } from '../errors.js'
import type { HostTensor } from '../host-tensor.js'

/** What a loss is computed from, by name. */
export type Batch = Readonly<Record<string, HostTensor>>

/** Inputs (B, T) and, one place further, their targets (B, T). */
export type TokenBatch = Readonly<Record<'inputs' | 'targets', HostTensor>>

export interface RandomWindowsOptions {
  batchSize: number
  /** T. */
  blockSize: number
  stream: RandomStream
}

/**
 * @throws DataError when the sequence has no window of blockSize + 1 tokens.
 * @example
 * const windows = new RandomWindows(train, { batchSize: 8, blockSize: 64, stream: new RandomStream(1) })
 * windows.next().inputs.shape   // [8, 64]
 */
export class RandomWindows {
  readonly stream: RandomStream
  readonly #tokens: Int32Array
  readonly #batchSize: number
  readonly #blockSize: number

  constructor(tokens: ArrayLike<number>, { batchSize, blockSize, stream }: RandomWindowsOptions) {
    if (tokens.length < blockSize + 1) throw new DataError(`RandomWindows: the text must have at least blockSize + 1 = ${blockSize + 1} tokens, got ${tokens.length}; give a longer text or a smaller block size`)
    this.#tokens = Int32Array.from(tokens)
    this.#batchSize = batchSize
    this.#blockSize = blockSize
    this.stream = stream
  }

  next(): TokenBatch {
    const [B, T] = [this.#batchSize, this.#blockSize]
    const inputs = new Int32Array(B * T)
    const targets = new Int32Array(B * T)
    for (let b = 0; b < B; b++) {
      const start = this.stream.integer(this.#tokens.length - T)
      inputs.set(this.#tokens.subarray(start, start + T), b * T)
      targets.set(this.#tokens.subarray(start + 1, start + T + 1), b * T)
    }
    return { inputs: { shape: [B, T], data: inputs }, targets: { shape: [B, T], data: targets } }
  }
}
