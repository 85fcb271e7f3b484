// How a reward model learns from preferences: all pairs of a prompt's answers are one batch element with weight 1/C(K, 2), so a prompt
// with many answers counts no more than one with two (arXiv 2203.02155, section 3.5). One epoch is the custom: more overfits.
import type { Tensor } from '@abovo/tensor-webgpu'
import type { RankedExample } from './demonstration.js'
import { GradientStep, requireFinite, type OptimizerSettings, type PendingMetrics } from './gradient-step.js'
import { logSigmoid } from './ranking-loss.js'
import type { RewardModel } from './reward-model.js'
import { pairTensors, rankedRows, type PairTensors } from './ranked-rows.js'
import { rowLength } from './row-length.js'
import { rowsOfStep, type RowSource } from './row-source.js'
import { paddedRows } from './token-batch.js'
import { joinStates, stateNumber, statePart, type TrainerState } from './trainer-state.js'

export interface RewardTrainerOptions extends OptimizerSettings {
  /** Prompts a step. */
  batchSize?: number
  /** By step, from 0; a function is a schedule. */
  learningRate?: number | ((step: number) => number)
  /** Weight of (r_better + r_worse)², which holds scores near 0: TRL's center_rewards_coefficient. */
  centering?: number
  seed?: number
}

/** Under TRL's names, over pairs: loss, share in the right order, mean difference, extremes of the raw scores. */
const metricNames = ['loss', 'accuracy', 'margin', 'mean_reward', 'min_reward', 'max_reward'] as const
type MetricName = (typeof metricNames)[number]
export type RewardMetrics = Readonly<Record<MetricName | 'grad_norm', number>>

interface RankedBatch extends PairTensors {
  /** (N, T) and (N): every answer with its prompt, and its last token. */
  readonly ids: Tensor
  readonly last: Tensor
}

/**
 * @example
 * const trainer = new RewardTrainer(await RewardModel.from(sftModel, { seed: 1 }))
 * for await (const { step, accuracy } of trainer.train({ preferences, steps: 200 })) report(step, accuracy)
 */
export class RewardTrainer {
  readonly rewardModel: RewardModel
  readonly #options: { batchSize: number; learningRate: number | ((step: number) => number); seed: number }
  readonly #gradientStep: GradientStep<RankedBatch, MetricName>
  #step = 0

  constructor(rewardModel: RewardModel, { batchSize = 64, learningRate = 1e-5, centering = 0, seed = 0, ...optimizer }: RewardTrainerOptions = {}) {
    this.rewardModel = rewardModel
    this.#options = { batchSize, learningRate, seed }
    const { model } = rewardModel
    this.#gradientStep = new GradientStep({
      ...optimizer,
      parameters: Object.fromEntries(model.namedParameters()),
      metrics: metricNames,
      loss: ({ ids, last, better, worse, margin, weight }: RankedBatch) => {
        const scores = model.forwardAt(ids, last)   // (N)
        const [high, low] = [scores.gather(0, better), scores.gather(0, worse)]   // (P)
        const difference = high.sub(low)
        const losses = logSigmoid(difference.sub(margin)).neg()   // arXiv 2203.02155, eq. 1
        const centred = centering === 0 ? losses : losses.add(high.add(low).square().mul(centering))
        const loss = centred.mul(weight).sum()
        const mean = (x: Tensor): Tensor => x.mul(weight).sum()
        return { loss, metrics: { loss, accuracy: mean(difference.gt(0).to('f32')), margin: mean(difference), mean_reward: mean(high.add(low).mul(0.5)), min_reward: scores.min(), max_reward: scores.max() } }
      },
    })
  }

  /** Steps done. */
  get step(): number {
    return this.#step
  }

  /** One step on these preferences. Does not wait for the device. */
  update(preferences: readonly RankedExample[]): PendingMetrics<MetricName> {
    const { learningRate } = this.#options
    const { model } = this.rewardModel
    const device = model.parameters()[0].device
    const { examples, pairs } = rankedRows(preferences)
    const rows = examples.map(({ prompt, completion }) => [...Array.from(prompt), ...Array.from(completion)])
    const { nPositions, vocabSize } = model.config
    const length = rowLength('RewardTrainer', rows.reduce((longest, row) => Math.max(longest, row.length), 1), nPositions)
    const pending = this.#gradientStep.run([{ ...paddedRows(rows, { device, length, vocabSize }), ...pairTensors(pairs, device) }], typeof learningRate === 'number' ? learningRate : learningRate(this.#step))
    this.#step++
    return pending
  }

  /** Trains up to `steps` steps in all and reports every `reportEvery`-th: only then it waits. */
  async *train({ preferences, steps, reportEvery = 1 }: { preferences: RowSource<RankedExample>; steps: number; reportEvery?: number }): AsyncGenerator<RewardMetrics & { readonly step: number }> {
    const { batchSize, seed } = this.#options
    while (this.#step < steps) {
      const pending = this.update(rowsOfStep(preferences, { step: this.#step, count: batchSize, seed }))
      if (this.#step % reportEvery === 0 || this.#step === steps) yield { step: this.#step, ...requireFinite('RewardTrainer', await pending.read(), this.#step) }
    }
  }

  /** All that is needed to go on exactly. */
  async state(): Promise<TrainerState> {
    const { mean, std } = this.rewardModel.normalization
    return { numbers: { step: this.#step, mean, std }, tensors: joinStates({ model: await this.rewardModel.model.stateDict(), optimizer: await this.#gradientStep.state() }) }
  }

  restore(saved: TrainerState): void {
    const [step, mean, std] = ['step', 'mean', 'std'].map(name => stateNumber(saved, name))
    this.#gradientStep.restore(statePart(saved.tensors, 'optimizer'))
    this.rewardModel.model.loadStateDict(statePart(saved.tensors, 'model'))
    this.rewardModel.normalization = { mean, std }
    this.#step = step
  }
  /** Frees the compiled plans; the model stays. */
  dispose(): void {
    this.#gradientStep.dispose()
  }
}
