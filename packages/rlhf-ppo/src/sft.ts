// Supervised fine-tuning: the model learns to say the completions of demonstrations, by next-token cross-entropy. With completion-only loss
// (the default) it learns nothing of the prompts.
import { Noise, type Gpt } from '@abovo/nn-transformer'
import type { Tensor } from '@abovo/tensor-webgpu'
import type { Example } from './demonstration.js'
import { OptionError } from './errors.js'
import { GradientStep, requireFinite, type OptimizerSettings, type PendingMetrics } from './gradient-step.js'
import { tokenLogProbs } from './log-probs.js'
import { packedBatch, packedLogits, packRows, type PackedLayout } from './packing.js'
import { tokenMean } from './ppo-loss.js'
import { longestInput } from './response-log-probs.js'
import { rowLength } from './row-length.js'
import { rowsOfStep, type RowSource } from './row-source.js'
import { tokenBatch } from './token-batch.js'
import { joinStates, stateNumber, statePart, type TrainerState } from './trainer-state.js'

export interface SftOptions extends OptimizerSettings {
  /** Rows a step. */
  batchSize?: number
  /** The batch is worked through in this many parts; the gradient is the same. */
  microBatches?: number
  /** By step, from 0; a function is a schedule. */
  learningRate?: number | ((step: number) => number)
  completionOnly?: boolean
  /** Put several examples into rows of this many columns; loss and gradient stay the same. null: one example a row. */
  packedLength?: number | null
  /** What stands in padded places; it changes nothing. */
  padToken?: number
  /** Of the order of rows, and of dropout where the model has it. */
  seed?: number
}

/** Under TRL's names: loss in nats per learned token, share of tokens guessed right, gradient norm. */
export type SftMetrics = Readonly<Record<'loss' | 'mean_token_accuracy' | 'grad_norm', number>>

interface SftBatch {
  readonly inputs: Tensor
  readonly targets: Tensor
  readonly mask: Tensor
  readonly count: Tensor
  readonly noise: Tensor
  /** One when rows are packed, else none. */
  readonly layout: readonly PackedLayout[]
}

/**
 * @example
 * const trainer = new SftTrainer(model, { learningRate: 1e-3 })
 * for await (const { step, loss } of trainer.train({ examples, steps: 100 })) report(step, loss)
 */
export class SftTrainer {
  readonly model: Gpt
  readonly #options: Required<Omit<SftOptions, keyof OptimizerSettings>>
  readonly #gradientStep: GradientStep<SftBatch, 'loss' | 'mean_token_accuracy'>
  #step = 0

  constructor(model: Gpt, { batchSize = 32, microBatches = 1, learningRate = 1e-4, completionOnly = true, packedLength = null, padToken = 0, seed = 0, ...optimizer }: SftOptions = {}) {
    this.model = model
    this.#options = { batchSize, microBatches, learningRate, completionOnly, packedLength, padToken, seed }
    this.#gradientStep = new GradientStep({
      ...optimizer,
      parameters: Object.fromEntries(model.namedParameters()),
      metrics: ['loss', 'mean_token_accuracy'] as const,
      loss: ({ inputs, targets, mask, count, noise: seedOfNoise, layout: [layout] }: SftBatch) => {
        const noise = new Noise(seedOfNoise.to('i32'))
        const logits = layout === undefined ? model.forward(inputs, { noise }) : packedLogits(model, inputs, layout, { noise })   // (B, T, V)
        const loss = tokenMean(tokenLogProbs(logits, targets).neg(), mask, count)
        return { loss, metrics: { loss, mean_token_accuracy: tokenMean(logits.argmax({ axis: -1 }).eq(targets).to('f32'), mask, count) } }
      },
    })
  }

  /** Steps done. */
  get step(): number {
    return this.#step
  }

  /** One step on these examples. Does not wait for the device. */
  update(examples: readonly Example[]): PendingMetrics<'loss' | 'mean_token_accuracy'> {
    const { learningRate, microBatches, seed } = this.#options
    const parts = this.#parts(examples)
    const count = parts.reduce((sum, part) => sum + part.count, 0)   // of the whole batch: the mean of parts' means would be another gradient
    if (count === 0) throw new OptionError(`SftTrainer: a batch must hold a token to learn, got ${examples.length} rows without one; leave out empty completions`)
    const rate = typeof learningRate === 'number' ? learningRate : learningRate(this.#step)
    const noise = (seed + this.#step * microBatches) % 2 ** 24
    const pending = this.#gradientStep.run(parts.map((part, i) => ({ ...part, count, noise: noise + i })), rate)
    this.#step++
    return pending
  }

  /** Trains up to `steps` steps in all and reports every `reportEvery`-th: only then it waits. */
  async *train({ examples, steps, reportEvery = 1 }: { examples: RowSource<Example>; steps: number; reportEvery?: number }): AsyncGenerator<SftMetrics & { readonly step: number }> {
    const { batchSize, seed } = this.#options
    while (this.#step < steps) {
      const pending = this.update(rowsOfStep(examples, { step: this.#step, count: batchSize, seed }))
      if (this.#step % reportEvery === 0 || this.#step === steps) yield { step: this.#step, ...requireFinite('SftTrainer', await pending.read(), this.#step) }
    }
  }

  /** All that is needed to go on exactly. */
  async state(): Promise<TrainerState> {
    return { numbers: { step: this.#step }, tensors: joinStates({ model: await this.model.stateDict(), optimizer: await this.#gradientStep.state() }) }
  }

  restore(saved: TrainerState): void {
    const step = stateNumber(saved, 'step')
    this.#gradientStep.restore(statePart(saved.tensors, 'optimizer'))
    this.model.loadStateDict(statePart(saved.tensors, 'model'))
    this.#step = step
  }
  /** Frees the compiled plans; the model stays. */
  dispose(): void {
    this.#gradientStep.dispose()
  }

  /** The examples as the tensors of each micro-batch. */
  #parts(examples: readonly Example[]): (Omit<SftBatch, 'count' | 'noise'> & { readonly count: number })[] {
    const { microBatches, completionOnly, packedLength, padToken } = this.#options
    const { vocabSize, contextLength } = this.model
    const device = this.model.parameters()[0].device
    const cut = <T>(rows: readonly T[]): (readonly T[])[] => {
      const size = Math.ceil(rows.length / microBatches)
      return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size))
    }
    if (packedLength === null) {
      const options = { device, length: rowLength('SftTrainer', longestInput(examples), contextLength), vocabSize, padToken, completionOnly }
      return cut(examples).map(part => ({ ...tokenBatch(part, options), layout: [] }))
    }
    const options = { device, length: rowLength('SftTrainer', packedLength, contextLength), vocabSize, padToken, completionOnly }
    const rows = packRows(examples.map(({ prompt, completion }) => prompt.length + completion.length - 1), packedLength)
    // row counts come in steps of an eighth of the batch: few shapes, few traces
    const step = Math.max(1, Math.ceil(examples.length / 8))
    const filled = [...rows, ...Array.from({ length: (step - (rows.length % step)) % step }, () => [])]
    return cut(filled).map(part => {
      const { positions, documents, ...batch } = packedBatch(examples, part, options)
      return { ...batch, layout: [{ positions, documents }] }
    })
  }
}
