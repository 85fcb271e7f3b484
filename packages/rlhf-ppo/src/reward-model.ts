// A reward model: reads a prompt with a response and gives one number, at the last real token. It is a reward as any function of samples is;
// how it learns from preferences is reward-training.ts.
import type { Gpt } from '@abovo/nn-transformer'
import { compile, type Compiled, type Tensor } from '@abovo/tensor-webgpu'
import { moments } from './advantage.js'
import type { Example } from './demonstration.js'
import type { Scorer } from './reward.js'
import { rowLength } from './row-length.js'
import type { Sample } from './sample.js'
import { ScalarGpt } from './scalar-gpt.js'
import { paddedRows } from './token-batch.js'

/** Score = (raw − mean) / std: preferences say nothing about a score's zero and unit. */
export interface Normalization {
  readonly mean: number
  readonly std: number
}

export class RewardModel implements Scorer {
  readonly model: ScalarGpt
  normalization: Normalization = { mean: 0, std: 1 }
  readonly #batchSize: number
  readonly #pass: Compiled<[Tensor, Tensor], Tensor>

  constructor(model: ScalarGpt, { batchSize = 256 }: { batchSize?: number } = {}) {
    this.model = model
    this.#batchSize = batchSize
    this.#pass = compile((ids: Tensor, last: Tensor) => model.forwardAt(ids, last))
  }

  /** The body of a language model (the SFT model) and a new head. */
  static async from(origin: Gpt, { seed, ...options }: { seed: number; batchSize?: number }): Promise<RewardModel> {
    return new RewardModel(await ScalarGpt.from(origin, { head: { seed } }), options)
  }

  /** Normalised scores of samples: what makes this a reward. */
  score(samples: readonly Sample[]): Promise<Float64Array> {
    return this.scoreExamples(samples.map(({ promptIds, responseIds }) => ({ prompt: promptIds, completion: responseIds })))
  }

  /** Normalised scores of prompts with completions. */
  async scoreExamples(examples: readonly Example[]): Promise<Float64Array> {
    const { mean, std } = this.normalization
    return (await this.#raw(examples)).map(score => (score - mean) / std)
  }

  /** Moves the zero to the mean of these examples (reference samples or demonstrations), and with `scale` the unit to their spread (arXiv 1909.08593, section 2.2). */
  async normalize(examples: readonly Example[], { scale = false }: { scale?: boolean } = {}): Promise<Normalization> {
    const { mean, variance } = moments(await this.#raw(examples))
    this.normalization = { mean, std: scale ? Math.sqrt(variance) || 1 : 1 }
    return this.normalization
  }

  async #raw(examples: readonly Example[]): Promise<Float64Array> {
    const rows = examples.map(({ prompt, completion }) => [...Array.from(prompt), ...Array.from(completion)])
    const { nPositions, vocabSize } = this.model.config
    const length = rowLength('RewardModel', rows.reduce((longest, row) => Math.max(longest, row.length), 1), nPositions)
    const device = this.model.parameters()[0].device
    const scores = new Float64Array(rows.length)
    const size = Math.min(this.#batchSize, rows.length)
    for (let start = 0; start < rows.length; start += size) {
      const part = rows.slice(start, start + size)
      const { ids, last } = paddedRows([...part, ...Array.from({ length: size - part.length }, () => part[0])], { device, length, vocabSize })   // one shape, one trace
      const judged = this.#pass(ids, last)
      scores.set((await judged.data()).subarray(0, part.length), start)
      for (const tensor of [ids, last, judged]) tensor.dispose()
    }
    return scores
  }
}
