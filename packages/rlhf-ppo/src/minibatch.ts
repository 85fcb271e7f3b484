// Experiences as the tensors that an update takes: response tokens laid out in padded rows, in parts that add up to the whole minibatch.
import type { Argument, Device, RandomStream, Tensor } from '@abovo/tensor-webgpu'
import type { Example } from './demonstration.js'
import { OptionError } from './errors.js'
import type { Experience } from './experience.js'
import { exampleOf } from './judgement.js'
import { longestInput } from './response-log-probs.js'
import { rowLength } from './row-length.js'
import { placeOnResponses, tokenBatch } from './token-batch.js'

/** All (B, T) but `count`, the tokens of the whole minibatch. */
export interface MinibatchTensors {
  readonly inputs: Tensor
  readonly targets: Tensor
  readonly mask: Tensor
  readonly oldLogProbs: Tensor
  readonly oldValues: Tensor
  readonly advantages: Tensor
  readonly returns: Tensor
  readonly count: Tensor
  /** Rows of PPO-ptx, empty without it. */
  readonly pretraining: readonly { readonly inputs: Tensor; readonly targets: Tensor; readonly mask: Tensor; readonly count: Tensor }[]
}

export interface PackOptions {
  device: Device
  length: number
  vocabSize: number
  contextLength: number
  padToken: number
  microBatches: number
}

/** The experiences of one minibatch as tensors, in parts. */
export function packMinibatch(experiences: readonly Experience[], pretraining: readonly Example[], { length, microBatches, ...options }: PackOptions): Argument<MinibatchTensors>[] {
  const count = experiences.reduce((sum, { sample }) => sum + sample.responseIds.length, 0)
  const texts = pretraining.length === 0 ? null : packPretraining(pretraining, { microBatches, ...options })
  const rows = experiences.length / microBatches
  return Array.from({ length: microBatches }, (_, i) => {
    const part = experiences.slice(i * rows, (i + 1) * rows)
    const { inputs, targets, mask } = tokenBatch(part.map(({ sample }) => exampleOf(sample)), { length, ...options })
    const prompts = part.map(({ sample }) => sample.promptIds.length)
    const place = (pick: (experience: Experience) => Float64Array): Tensor => placeOnResponses(part.map(pick), prompts, { device: options.device, length })
    return {
      inputs,
      targets,
      mask,
      oldLogProbs: place(experience => experience.logProbs),
      oldValues: place(experience => experience.values),
      advantages: place(experience => experience.advantages),
      returns: place(experience => experience.returns),
      count,
      pretraining: texts === null ? [] : [texts[i]],
    }
  })
}

function packPretraining(examples: readonly Example[], { microBatches, contextLength, ...options }: Omit<PackOptions, 'length'>): Argument<MinibatchTensors['pretraining'][number]>[] {
  const rows = Math.ceil(examples.length / microBatches)
  const length = rowLength('pretraining', longestInput(examples), contextLength)
  const parts = Array.from({ length: microBatches }, (_, i) => tokenBatch(examples.slice(i * rows, (i + 1) * rows), { ...options, length, completionOnly: false }))
  const count = parts.reduce((sum, part) => sum + part.count, 0)
  return parts.map(({ inputs, targets, mask }) => ({ inputs, targets, mask, count }))
}

/** Equal parts of a batch's rows, each epoch in a fresh order. */
export function minibatchRows(count: number, { epochs, minibatches, random }: { epochs: number; minibatches: number; random: RandomStream }): Uint32Array[] {
  const size = count / minibatches
  return Array.from({ length: epochs }, () => random.permutation(count)).flatMap(order => Array.from({ length: minibatches }, (_, i) => order.subarray(i * size, (i + 1) * size)))
}

/** @throws OptionError when a batch does not divide. */
export function requireEqualParts(where: string, count: number, { minibatches, microBatches }: { minibatches: number; microBatches: number }): void {
  if (count === 0 || count % (minibatches * microBatches) !== 0) throw new OptionError(`${where}: the batch must divide into ${minibatches} minibatches of ${microBatches} parts, got ${count} responses`)
}
