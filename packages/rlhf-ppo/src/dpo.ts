// Direct preference optimisation: learns from preferences without a reward model and without sampling. Rankings count with all their pairs,
// as in reward-training.ts; the loss is dpo-loss.ts.
import type { Gpt } from '@abovo/nn-transformer'
import { where, type Tensor } from '@abovo/tensor-webgpu'
import type { RankedExample } from './demonstration.js'
import { dpoPairLosses } from './dpo-loss.js'
import { OptionError } from './errors.js'
import { GradientStep, requireFinite, type OptimizerSettings, type PendingMetrics } from './gradient-step.js'
import { tokenLogProbs } from './log-probs.js'
import { pairTensors, rankedRows, type PairTensors } from './ranked-rows.js'
import { longestInput } from './response-log-probs.js'
import { rowLength } from './row-length.js'
import { rowsOfStep, type RowSource } from './row-source.js'
import { copyGpt } from './scalar-gpt.js'
import { tokenBatch } from './token-batch.js'
import { joinStates, stateNumber, statePart, type TrainerState } from './trainer-state.js'

export interface DpoOptions extends OptimizerSettings {
  /** How strongly the policy is held to the reference. */
  beta?: number
  /** Probability that a label is the wrong way round (cDPO). */
  labelSmoothing?: number
  /** Prompts a step. */
  batchSize?: number
  /** By step, from 0; a function is a schedule. */
  learningRate?: number | ((step: number) => number)
  padToken?: number
  seed?: number
}

/** TRL's names, over pairs. Rewards are the implicit ones, β·log π/π_ref. */
const metricNames = ['loss', 'rewards/chosen', 'rewards/rejected', 'rewards/accuracies', 'rewards/margins'] as const
type MetricName = (typeof metricNames)[number]
export type DpoMetrics = Readonly<Record<MetricName | 'grad_norm', number>>

interface DpoBatch extends PairTensors {
  /** (N, T): every answer after its prompt. */
  readonly inputs: Tensor
  readonly targets: Tensor
  readonly mask: Tensor
}

/**
 * @example
 * const trainer = await DpoTrainer.from(policy, { beta: 0.1, learningRate: 1e-4 })
 * for await (const metrics of trainer.train({ preferences, steps: 100 })) report(metrics['rewards/accuracies'])
 */
export class DpoTrainer {
  readonly policy: Gpt
  readonly reference: Gpt
  readonly #options: { batchSize: number; learningRate: number | ((step: number) => number); padToken: number; seed: number }
  readonly #gradientStep: GradientStep<DpoBatch, MetricName>
  #step = 0

  constructor(policy: Gpt, reference: Gpt, { beta = 0.1, labelSmoothing = 0, batchSize = 32, learningRate = 1e-5, padToken = 0, seed = 0, ...optimizer }: DpoOptions = {}) {
    if (policy === reference) throw new OptionError('DpoTrainer: the reference must be another model than the policy, got the same; give a copy, or use DpoTrainer.from')
    this.policy = policy
    this.reference = reference
    this.#options = { batchSize, learningRate, padToken, seed }
    this.#gradientStep = new GradientStep({
      ...optimizer,
      parameters: Object.fromEntries(policy.namedParameters()),
      metrics: metricNames,
      loss: ({ inputs, targets, mask, better, worse, weight }: DpoBatch) => {
        const ofResponses = (model: Gpt): Tensor => where(mask.ne(0), tokenLogProbs(model.forward(inputs), targets), 0).sum({ axis: 1 })   // (N)
        const [now, before] = [ofResponses(policy), ofResponses(reference)]
        const [chosen, rejected] = [now.gather(0, better), now.gather(0, worse)]   // (P)
        const { losses, chosenRewards, rejectedRewards } = dpoPairLosses({ chosen, rejected, referenceChosen: before.gather(0, better), referenceRejected: before.gather(0, worse), beta, labelSmoothing })
        const mean = (x: Tensor): Tensor => x.mul(weight).sum()
        const loss = mean(losses)
        const margins = chosenRewards.sub(rejectedRewards)
        return { loss, metrics: { loss, 'rewards/chosen': mean(chosenRewards), 'rewards/rejected': mean(rejectedRewards), 'rewards/accuracies': mean(margins.gt(0).to('f32')), 'rewards/margins': mean(margins) } }
      },
    })
  }

  /** With a frozen copy of the policy as reference. */
  static async from(policy: Gpt, options: DpoOptions = {}): Promise<DpoTrainer> {
    return new DpoTrainer(policy, await copyGpt(policy), options)
  }

  /** Steps done. */
  get step(): number {
    return this.#step
  }

  /** One step on these preferences. Does not wait for the device. */
  update(preferences: readonly RankedExample[]): PendingMetrics<MetricName> {
    const { learningRate, padToken } = this.#options
    const device = this.policy.parameters()[0].device
    const { examples, pairs } = rankedRows(preferences)
    const { inputs, targets, mask } = tokenBatch(examples, { device, length: rowLength('DpoTrainer', longestInput(examples), this.policy.contextLength), vocabSize: this.policy.vocabSize, padToken })
    const pending = this.#gradientStep.run([{ inputs, targets, mask, ...pairTensors(pairs, device) }], typeof learningRate === 'number' ? learningRate : learningRate(this.#step))
    this.#step++
    return pending
  }

  /** Trains up to `steps` steps in all and reports every `reportEvery`-th: only then it waits. */
  async *train({ preferences, steps, reportEvery = 1 }: { preferences: RowSource<RankedExample>; steps: number; reportEvery?: number }): AsyncGenerator<DpoMetrics & { readonly step: number }> {
    const { batchSize, seed } = this.#options
    while (this.#step < steps) {
      const pending = this.update(rowsOfStep(preferences, { step: this.#step, count: batchSize, seed }))
      if (this.#step % reportEvery === 0 || this.#step === steps) yield { step: this.#step, ...requireFinite('DpoTrainer', await pending.read(), this.#step) }
    }
  }

  /** All that is needed to go on exactly. The reference is in it: it may exist nowhere else. */
  async state(): Promise<TrainerState> {
    return { numbers: { step: this.#step }, tensors: joinStates({ policy: await this.policy.stateDict(), reference: await this.reference.stateDict(), optimizer: await this.#gradientStep.state() }) }
  }

  restore(saved: TrainerState): void {
    const step = stateNumber(saved, 'step')
    this.#gradientStep.restore(statePart(saved.tensors, 'optimizer'))
    this.policy.loadStateDict(statePart(saved.tensors, 'policy'))
    this.reference.loadStateDict(statePart(saved.tensors, 'reference'))
    this.#step = step
  }

  /** Frees the compiled plans; the models stay. */
  dispose(): void {
    this.#gradientStep.dispose()
  }
}
