// How probable a model finds given responses: the question that tests, DPO and evaluation ask. Sampling is rollout.ts.
import type { Gpt } from '@abovo/nn-transformer'
import { compile, type Compiled, type Tensor } from '@abovo/tensor-webgpu'
import type { Example } from './demonstration.js'
import { tokenLogProbs } from './log-probs.js'
import { rowLength } from './row-length.js'
import { takeResponses, tokenBatch } from './token-batch.js'

export interface ResponseLogProbsOptions {
  temperature?: number
  /** Rows per pass. */
  batchSize?: number
}

/**
 * log p of every token of every completion after its prompt, one array per example.
 *
 * @throws OptionError when an example is longer than the model's context.
 */
export async function responseLogProbs(model: Gpt, examples: readonly Example[], { temperature = 1, batchSize = 256 }: ResponseLogProbsOptions = {}): Promise<Float64Array[]> {
  const pass = compile((inputs: Tensor, targets: Tensor) => tokenLogProbs(model.forward(inputs), targets, { temperature }))
  try {
    return await inBatches(model, examples, batchSize, pass)
  } finally {
    pass.dispose()
  }
}

async function inBatches(model: Gpt, examples: readonly Example[], batchSize: number, pass: Compiled<[Tensor, Tensor], Tensor>): Promise<Float64Array[]> {
  const length = rowLength('responseLogProbs', longestInput(examples), model.contextLength)
  const device = model.parameters()[0].device
  const rows = Math.min(batchSize, examples.length)
  const results: Float64Array[] = []
  for (let start = 0; start < examples.length; start += rows) {
    const part = examples.slice(start, start + rows)
    const filled = [...part, ...Array.from({ length: rows - part.length }, () => part[0])]   // one shape, one trace
    const batch = tokenBatch(filled, { device, length, vocabSize: model.vocabSize })
    const logProbs = pass(batch.inputs, batch.targets)
    const values = await logProbs.data()
    for (const used of [batch.inputs, batch.targets, batch.mask, logProbs]) used.dispose()
    results.push(...takeResponses(values, length, part.map(row => row.prompt.length), part.map(row => row.completion.length)))
  }
  return results
}

/** Tokens that the model reads of the longest example: all but the last. */
export const longestInput = (examples: readonly Example[]): number => examples.reduce((longest, { prompt, completion }) => Math.max(longest, prompt.length + completion.length - 1), 0)
