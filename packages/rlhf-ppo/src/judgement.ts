// What policy, reference and value network think of sampled responses: one compiled pass over whole rows. The log-probabilities of sampling
// are not used in its place: this pass computes exactly what the update's does, so the first ratio of PPO is 1.
import type { Gpt } from '@abovo/nn-transformer'
import { compile, type Compiled, type Device, type Tensor } from '@abovo/tensor-webgpu'
import type { Example } from './demonstration.js'
import type { Rollout, ScoredExperience } from './experience.js'
import { tokenLogProbs } from './log-probs.js'
import { rowLength } from './row-length.js'
import type { Sample } from './sample.js'
import type { ScalarGpt } from './scalar-gpt.js'
import { takeResponses, tokenBatch } from './token-batch.js'

/** The three networks of PPO; the reference is only read. */
export interface PpoModels {
  readonly policy: Gpt
  readonly reference: Gpt
  readonly value: ScalarGpt
}

type Judged = Pick<ScoredExperience, 'logProbs' | 'referenceLogProbs' | 'values'>

/** log π, log π_ref and V of each response token; V is 0 without a value network. */
export class Judgement {
  readonly #policy: Gpt
  readonly #device: Device
  readonly #padToken: number
  readonly #pass: Compiled<[Tensor, Tensor], Tensor[]>

  constructor({ policy, reference, value }: Omit<PpoModels, 'value'> & { value: ScalarGpt | null }, { temperature, padToken }: { temperature: number; padToken: number }) {
    this.#policy = policy
    this.#device = policy.parameters()[0].device
    this.#padToken = padToken
    this.#pass = compile((inputs: Tensor, targets: Tensor) => [
      tokenLogProbs(policy.forward(inputs), targets, { temperature }),
      tokenLogProbs(reference.forward(inputs), targets, { temperature }),
      ...(value === null ? [] : [value.forward(inputs)]),
    ])
  }

  /** Rows are worked through `rows` at a time. */
  async of({ samples }: Rollout, { length, rows }: { length: number; rows: number }): Promise<Judged[]> {
    const results: Judged[] = []
    for (let start = 0; start < samples.length; start += rows) {
      const part = samples.slice(start, start + rows)
      const filled = [...part, ...Array.from({ length: rows - part.length }, () => part[0])]   // one shape, one trace
      const { inputs, targets, mask } = tokenBatch(filled.map(exampleOf), { device: this.#device, length, vocabSize: this.#policy.vocabSize, padToken: this.#padToken })
      const judged = this.#pass(inputs, targets)
      const read = await Promise.all(judged.map(tensor => tensor.data()))
      for (const tensor of [inputs, targets, mask, ...judged]) tensor.dispose()
      const [logProbs, referenceLogProbs, values]: (Float64Array[] | undefined)[] = read.map(data => takeResponses(data, length, part.map(({ promptIds }) => promptIds.length), part.map(({ responseIds }) => responseIds.length)))
      part.forEach((_, b) => results.push({ logProbs: logProbs[b], referenceLogProbs: referenceLogProbs[b], values: values?.[b] ?? new Float64Array(logProbs[b].length) }))
    }
    return results
  }

  /** Columns for these samples, whatever their responses' lengths turn out to be. */
  lengthFor(samples: readonly Sample[], responseLength: number): number {
    const longestPrompt = samples.reduce((longest, { promptIds }) => Math.max(longest, promptIds.length), 0)
    return rowLength('rollout', longestPrompt + responseLength - 1, this.#policy.contextLength)
  }

  dispose(): void {
    this.#pass.dispose()
  }
}

export const exampleOf = ({ promptIds, responseIds }: Sample): Example => ({ prompt: promptIds, completion: responseIds })
