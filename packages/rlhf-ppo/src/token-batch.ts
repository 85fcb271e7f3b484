// From rows of different lengths to the rectangles that models take. Padding stands on the right: under a causal mask nothing real ever
// looks at it, so neither an attention mask nor shifted positions are needed, and what it holds changes nothing.
import { checkTokens } from '@abovo/nn-transformer'
import { tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import type { Example } from './demonstration.js'
import { OptionError } from './errors.js'

/** Next-token prediction: the model reads `inputs` and is to say `targets` where `mask` is 1. All (B, T). */
export interface TokenBatch {
  readonly inputs: Tensor
  readonly targets: Tensor
  readonly mask: Tensor
  /** Ones in the mask. */
  readonly count: number
}

export interface TokenBatchOptions {
  device: Device
  /** T: columns of the batch, at least the longest row less one. A fixed number lets a compiled step be replayed. */
  length: number
  /** Ids must be below it: devices clamp those that are not, and say nothing. */
  vocabSize: number
  /** What stands in padded places: any token id. */
  padToken?: number
  /** false: the prompt is learned as well. */
  completionOnly?: boolean
}

export function tokenBatch(examples: readonly Example[], { device, length, vocabSize, padToken = 0, completionOnly = true }: TokenBatchOptions): TokenBatch {
  const inputs = new Int32Array(examples.length * length).fill(padToken)
  const targets = new Int32Array(examples.length * length).fill(padToken)
  const mask = new Float32Array(examples.length * length)
  let count = 0
  examples.forEach(({ prompt, completion }, b) => {
    const tokens = [...Array.from(prompt), ...Array.from(completion)]
    if (tokens.length - 1 > length) throw new OptionError(`tokenBatch: rows must have at most ${length + 1} tokens, got ${tokens.length} in row ${b}; shorten it or raise the length`)
    checkTokens(`tokenBatch: row ${b}`, tokens, vocabSize)
    for (let t = 0; t + 1 < tokens.length; t++) {
      inputs[b * length + t] = tokens[t]
      targets[b * length + t] = tokens[t + 1]
      if (completionOnly && t + 1 < prompt.length) continue
      mask[b * length + t] = 1
      count++
    }
  })
  const place = (values: Int32Array | Float32Array): Tensor => tensor(values, { shape: [examples.length, length], device })
  return { inputs: place(inputs), targets: place(targets), mask: place(mask), count }
}

/** One number per response token, laid where that token is the target: (B, T), 0 elsewhere. */
export function placeOnResponses(rows: readonly ArrayLike<number>[], promptLengths: readonly number[], { device, length }: Pick<TokenBatchOptions, 'device' | 'length'>): Tensor {
  const values = new Float64Array(rows.length * length)
  rows.forEach((row, b) => values.set(Array.from(row), b * length + promptLengths[b] - 1))
  return tensor(values, { shape: [rows.length, length], device })
}

/** The inverse: the entries of (B, T) that belong to response tokens, one array per row. */
export function takeResponses(values: ArrayLike<number>, length: number, promptLengths: readonly number[], responseLengths: readonly number[]): Float64Array[] {
  return promptLengths.map((prompt, b) => Float64Array.from({ length: responseLengths[b] }, (_, t) => values[b * length + prompt - 1 + t]))
}

/** Whole rows (N, T) for a model that reads all and judges at the end, with the index (N) of each row's last token. */
export function paddedRows(rows: readonly ArrayLike<number>[], { device, length, vocabSize, padToken = 0 }: Omit<TokenBatchOptions, 'completionOnly'>): { ids: Tensor; last: Tensor } {
  const ids = new Int32Array(rows.length * length).fill(padToken)
  rows.forEach((row, n) => {
    if (row.length === 0 || row.length > length) throw new OptionError(`paddedRows: rows must have 1 to ${length} tokens, got ${row.length} in row ${n}`)
    checkTokens(`paddedRows: row ${n}`, row, vocabSize)
    ids.set(Array.from(row), n * length)
  })
  return { ids: tensor(ids, { shape: [rows.length, length], device }), last: tensor(Int32Array.from(rows, row => row.length - 1), { device }) }
}
