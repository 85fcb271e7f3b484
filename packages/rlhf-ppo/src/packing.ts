// Several short examples in one row, so that little of a batch is padding. Attention stays inside each example and positions start anew in
// each, so loss and gradient are those of one example a row; that is tested, since attention across examples is the classic silent bug.
import { checkTokens, type Gpt, type Noise } from '@abovo/nn-transformer'
import { tensor, type Tensor } from '@abovo/tensor-webgpu'
import type { Example } from './demonstration.js'
import { OptionError } from './errors.js'
import type { TokenBatchOptions } from './token-batch.js'

/** Where the examples of packed rows lie, both (B, T) i32: the place of each token in its example, and which example it belongs to. */
export interface PackedLayout {
  readonly positions: Tensor
  readonly documents: Tensor
}

export interface PackedBatch extends PackedLayout {
  readonly inputs: Tensor
  readonly targets: Tensor
  readonly mask: Tensor
  readonly count: number
}

/**
 * Which examples share a row: best fit decreasing, the longest first, each into the fullest row that still has room.
 *
 * @param lengths of the examples
 * @returns rows of indices into `lengths`
 * @throws OptionError when one is longer than `capacity`
 */
export function packRows(lengths: readonly number[], capacity: number): number[][] {
  const rows: { free: number; members: number[] }[] = []
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b] - lengths[a] || a - b)
  for (const i of order) {
    if (lengths[i] > capacity) throw new OptionError(`packRows: an example must fit in ${capacity} tokens, got ${lengths[i]} in row ${i}`)
    const fitting = rows.filter(row => row.free >= lengths[i])
    const best = fitting.reduce<(typeof rows)[number] | null>((fullest, row) => (fullest === null || row.free < fullest.free ? row : fullest), null)
    const row = best ?? { free: capacity, members: [] }
    if (best === null) rows.push(row)
    row.free -= lengths[i]
    row.members.push(i)
  }
  return rows.map(row => row.members)
}

/** Examples packed into `rows` rows of `length` columns as `packRows` says. An example of n tokens takes n − 1 columns: nothing predicts across a border. */
export function packedBatch(examples: readonly Example[], rows: readonly (readonly number[])[], { device, length, vocabSize, padToken = 0, completionOnly = true }: TokenBatchOptions): PackedBatch {
  const size = rows.length * length
  const inputs = new Int32Array(size).fill(padToken)
  const targets = new Int32Array(size).fill(padToken)
  const mask = new Float32Array(size)
  const positions = new Int32Array(size)
  const documents = new Int32Array(size).fill(-1)
  let count = 0
  rows.forEach((members, b) => {
    let at = b * length
    for (const i of members) {
      const { prompt, completion } = examples[i]
      const tokens = [...Array.from(prompt), ...Array.from(completion)]
      checkTokens(`packedBatch: row ${i}`, tokens, vocabSize)
      for (let t = 0; t + 1 < tokens.length; t++, at++) {
        inputs[at] = tokens[t]
        targets[at] = tokens[t + 1]
        positions[at] = t
        documents[at] = i
        if (completionOnly && t + 1 < prompt.length) continue
        mask[at] = 1
        count++
      }
    }
  })
  const place = (values: Int32Array | Float32Array): Tensor => tensor(values, { shape: [rows.length, length], device })
  return { inputs: place(inputs), targets: place(targets), mask: place(mask), positions: place(positions), documents: place(documents), count }
}

/** Logits (B, T, V) of packed rows: a token sees what is before it in its own example. */
export function packedLogits(model: Gpt, inputs: Tensor, { positions, documents }: PackedLayout, { noise }: { noise?: Noise | undefined } = {}): Tensor {
  const mask = documents.unsqueeze(1).unsqueeze(3).eq(documents.unsqueeze(1).unsqueeze(2))   // (B, 1, T, T)
  const { h, ln_f } = model.transformer
  const x = model.embed(inputs, { noise, positions })
  return model.head(ln_f.forward(h.reduce((y, block) => block.forward(y, { noise, mask }), x)))
}
