// PPO for language models, in the order of the paper (arXiv 1909.08593; 2203.02155; details as in 2403.17031): sample responses, score them,
// estimate advantages, improve policy and value network. Each stage can be called alone; `step` is all four, `train` the loop.
import type { Gpt } from '@abovo/nn-transformer'
import { OptionError } from './errors.js'
import { withAdvantages, type AdvantageBatch, type Rollout, type ScoredBatch } from './experience.js'
import { GradientStep, requireFinite, type PendingMetrics } from './gradient-step.js'
import { Judgement, type PpoModels } from './judgement.js'
import { initialKlCoefficient, nextKlCoefficient } from './kl.js'
import { minibatchMetricNames, summarize, type MinibatchMetrics, type PpoMetrics } from './metrics.js'
import { minibatchRows, packMinibatch, requireEqualParts, type MinibatchTensors } from './minibatch.js'
import { ppoObjective } from './ppo-objective.js'
import { completeSettings, type CompleteSettings, type PpoOptions } from './ppo-options.js'
import { scoreSamples, withMissingEnd, type Reward } from './reward.js'
import { Sampler } from './rollout.js'
import { rowsOfStep, streamOf, type RowSource } from './row-source.js'
import { copyGpt, ScalarGpt } from './scalar-gpt.js'
import { joinStates, stateNumber, statePart, type TrainerState } from './trainer-state.js'

type LossName = Exclude<(typeof minibatchMetricNames)[number], 'grad_norm'>

/** What a step reports: TRL's averages, and each minibatch on its own. */
export interface PpoReport {
  readonly update: number
  readonly metrics: PpoMetrics
  readonly minibatches: readonly MinibatchMetrics[]
  /** The responses it learned from, with their scores. */
  readonly batch: AdvantageBatch
}

/**
 * @example
 * const ppo = await Ppo.from({ policy, reward: samples => samples.map(s => s.response.length), endToken: 0, responseLength: 16 })
 * for await (const { metrics } of ppo.train({ prompts, updates: 50, batchSize: 64 })) report(metrics['objective/scores'])
 */
export class Ppo {
  readonly models: PpoModels
  readonly settings: CompleteSettings
  readonly #reward: Reward
  readonly #sampler: Sampler
  readonly #judgement: Judgement
  readonly #gradientStep: GradientStep<MinibatchTensors, LossName>
  #klCoefficient: number
  #update = 0
  #episode = 0

  constructor(models: PpoModels, { reward, tokenizer, ...settings }: Omit<PpoOptions, 'policy'>) {
    if (models.policy === models.reference) throw new OptionError('Ppo: the reference must be another model than the policy, got the same; give a copy, or use Ppo.from')
    const complete = completeSettings(settings)
    const { betas, eps, weightDecay, maxGradNorm, endToken, responseLength, temperature, klControl } = complete
    this.models = models
    this.settings = complete
    this.#reward = reward
    this.#klCoefficient = initialKlCoefficient(klControl)
    this.#sampler = new Sampler(models.policy, { endToken, responseLength, temperature, tokenizer })
    this.#judgement = new Judgement(models, complete)
    this.#gradientStep = new GradientStep({
      betas, eps, weightDecay, maxGradNorm,
      parameters: Object.fromEntries([...named('policy', models.policy), ...named('value', models.value)]),
      metrics: minibatchMetricNames.filter(name => name !== 'grad_norm'),
      loss: ppoObjective(models, complete),
    })
  }

  /** With a frozen copy of the policy as reference, and a value network of its own from the reward model's body (else the policy's) with a zero head. */
  static async from(options: PpoOptions & Partial<Pick<PpoModels, 'reference' | 'value'>>): Promise<Ppo> {
    const { policy, reference, value, ...rest } = options
    const origin = (typeof rest.reward === 'object' ? rest.reward.model : undefined) ?? policy
    return new Ppo({ policy, reference: reference ?? (await copyGpt(policy)), value: value ?? (await ScalarGpt.from(origin, { head: 'zero' })) }, rest)
  }

  get policy(): Gpt {
    return this.models.policy
  }
  /** Updates done. */
  get updates(): number {
    return this.#update
  }
  get klCoefficient(): number {
    return this.#klCoefficient
  }

  /** 1. One response per prompt, from the policy as it is. The same again until the next update. */
  rollout(prompts: readonly ArrayLike<number>[]): Promise<Rollout> {
    return this.#sampler.sample(prompts, streamOf(this.settings.seed, { step: this.#update, purpose: 'sampling' }).seed)
  }

  /**
   * 2. What reward, policy, reference and value network say of each response.
   *
   * @throws RewardError naming the sample for which the reward fails; nothing has changed then, and the rollout can be scored again.
   */
  async score(rollout: Rollout): Promise<ScoredBatch> {
    const { missingEnd, responseLength } = this.settings
    const { samples } = rollout
    const scores = withMissingEnd(await scoreSamples(this.#reward, samples), samples, missingEnd)
    const judged = await this.#judgement.of(rollout, { length: this.#judgement.lengthFor(samples, responseLength), rows: this.#rowsPerPass(samples.length) })
    return { experiences: samples.map((sample, b) => ({ sample, score: scores[b], ...judged[b] })) }
  }

  /** 3. Rewards per token, advantages and returns. */
  advantages(scored: ScoredBatch): AdvantageBatch {
    return withAdvantages(scored, { ...this.settings, klCoefficient: this.#klCoefficient })
  }

  /** 4. Several epochs of minibatches, each epoch in a fresh order. */
  async update(batch: AdvantageBatch, { learningRate = this.settings.learningRate }: { learningRate?: number } = {}): Promise<PpoReport> {
    const { experiences } = batch
    requireEqualParts('Ppo', experiences.length, this.settings)
    const random = streamOf(this.settings.seed, { step: this.#update, purpose: 'minibatches' })
    const turns = minibatchRows(experiences.length, { ...this.settings, random })
    const pending = turns.map((rows, turn) => this.#improve(batch, rows, { learningRate, turn }))   // all queued: nothing waits in between
    const read = await Promise.all(pending.map(metrics => metrics.read()))
    const minibatches = read.map(metrics => requireFinite('Ppo', metrics, this.#update))
    this.#episode += experiences.length
    const metrics = summarize(batch, minibatches, { learningRate, episode: this.#episode })
    this.#klCoefficient = nextKlCoefficient(this.settings.klControl, this.#klCoefficient, metrics['objective/kl'], experiences.length)
    return { update: ++this.#update, metrics, minibatches, batch }
  }

  /** All four stages. When the reward fails, the step can be taken again: the same responses are sampled. */
  async step(prompts: readonly ArrayLike<number>[], options: { learningRate?: number } = {}): Promise<PpoReport> {
    requireEqualParts('Ppo', prompts.length, this.settings)
    return this.update(this.advantages(await this.score(await this.rollout(prompts))), options)
  }

  /** Up to `updates` updates in all, with a learning rate that falls linearly to zero. */
  async *train({ prompts, updates, batchSize }: { prompts: RowSource<ArrayLike<number>>; updates: number; batchSize: number }): AsyncGenerator<PpoReport> {
    const { seed, learningRate } = this.settings
    while (this.#update < updates) {
      const rows = rowsOfStep(prompts, { step: this.#update, count: batchSize, seed })
      yield await this.step(rows, { learningRate: learningRate * (1 - this.#update / updates) })
    }
  }

  /** All that is needed to go on exactly. The reference is in it: it may exist nowhere else. */
  async state(): Promise<TrainerState> {
    const { policy, reference, value } = this.models
    return {
      numbers: { update: this.#update, episode: this.#episode, klCoefficient: this.#klCoefficient },
      tensors: joinStates({ policy: await policy.stateDict(), reference: await reference.stateDict(), value: await value.stateDict(), optimizer: await this.#gradientStep.state() }),
    }
  }

  restore(saved: TrainerState): void {
    const [update, episode, klCoefficient] = ['update', 'episode', 'klCoefficient'].map(name => stateNumber(saved, name))
    this.#gradientStep.restore(statePart(saved.tensors, 'optimizer'))
    this.models.policy.loadStateDict(statePart(saved.tensors, 'policy'))
    this.models.reference.loadStateDict(statePart(saved.tensors, 'reference'))
    this.models.value.loadStateDict(statePart(saved.tensors, 'value'))
    this.#update = update
    this.#episode = episode
    this.#klCoefficient = klCoefficient
  }

  /** Frees the compiled plans and the sampling session; the models stay. */
  dispose(): void {
    this.#sampler.dispose()
    this.#judgement.dispose()
    this.#gradientStep.dispose()
  }

  #rowsPerPass(count: number): number {
    const { minibatches, microBatches } = this.settings
    return Math.ceil(count / (minibatches * microBatches))
  }

  #improve({ experiences }: AdvantageBatch, rows: Uint32Array, { learningRate, turn }: { learningRate: number; turn: number }): PendingMetrics<LossName> {
    const { padToken, microBatches, responseLength, pretraining, epochs, minibatches, seed } = this.settings
    const part = Array.from(rows, row => experiences[row])
    const length = this.#judgement.lengthFor(experiences.map(({ sample }) => sample), responseLength)
    const texts = pretraining === undefined ? [] : rowsOfStep(pretraining.examples, { step: this.#update * epochs * minibatches + turn, count: Math.ceil((pretraining.ratio ?? 1) * part.length), seed })
    const { vocabSize, contextLength } = this.policy
    const device = this.policy.parameters()[0].device
    return this.#gradientStep.run(packMinibatch(part, texts, { device, length, vocabSize, contextLength, padToken, microBatches }), learningRate)
  }
}

const named = (prefix: string, model: Gpt | ScalarGpt) => model.namedParameters().map(([name, parameter]) => [`${prefix}.${name}`, parameter] as const)
