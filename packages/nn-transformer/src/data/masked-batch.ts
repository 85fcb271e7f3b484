// BERT's training batches: some tokens are hidden, and are to be guessed. arXiv 1810.04805, 3.1 and appendix A.1.
import type { RandomStream } from '@abovo/tensor-webgpu'
import type { HostTensor } from '../host-tensor.js'
import { IGNORED } from './evaluation-windows.js'
import { paddedRows } from './padded-rows.js'

export interface MaskedBatchOptions {
  /** T: rows are filled up with padToken. */
  length: number
  vocabSize: number
  maskToken: number
  padToken: number
  stream: RandomStream
  /** How many of the tokens are to be guessed. */
  share?: number
  /** Never chosen, and never put in another's place: separators and the like. */
  specialTokens?: readonly number[]
}

/** inputs (B, T); labels (B, T), IGNORED where nothing is asked; attentionMask (B, T). */
export type MaskedBatch = Readonly<Record<'inputs' | 'labels' | 'attentionMask', HostTensor>>

/**
 * Of the tokens chosen, 80 % become the mask token, 10 % some other token, 10 % stay: the model cannot know which of those it sees are true. Each row
 * has at least one.
 *
 * @example
 * const { inputs, labels, attentionMask } = maskedBatch(rows, { length: 16, vocabSize: 40, maskToken: 1, padToken: 0, stream })
 */
export function maskedBatch(rows: readonly ArrayLike<number>[], { length, vocabSize, maskToken, padToken, stream, share = 0.15, specialTokens = [] }: MaskedBatchOptions): MaskedBatch {
  const special = new Set([...specialTokens, maskToken, padToken])
  const ordinary = Array.from({ length: vocabSize }, (_, token) => token).filter(token => !special.has(token))
  const originals = paddedRows(rows, { length, fill: padToken })
  const inputs = Int32Array.from(originals.data)
  const labels = new Int32Array(inputs.length).fill(IGNORED)
  for (let b = 0; b < rows.length; b++) {
    const places = Array.from({ length }, (_, t) => b * length + t).filter(place => !special.has(originals.data[place]))
    const chosen = places.filter(() => stream.uniform() < share)
    if (chosen.length === 0 && places.length > 0) chosen.push(places[stream.integer(places.length)])
    for (const place of chosen) {
      labels[place] = originals.data[place]
      const lot = stream.uniform()
      if (lot < 0.8) inputs[place] = maskToken
      else if (lot < 0.9) inputs[place] = ordinary[stream.integer(ordinary.length)]
    }
  }
  const attentionMask = originals.data.map(token => (token === padToken ? 0 : 1))
  return { inputs: { shape: originals.shape, data: inputs }, labels: { shape: originals.shape, data: labels }, attentionMask: { shape: originals.shape, data: attentionMask } }
}
