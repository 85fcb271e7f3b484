// PPO's relatives without a value network: several responses to each prompt are compared with each other. GRPO (arXiv 2402.03300) scales by
// the group's spread and holds the policy by a KL term in the loss; RLOO (arXiv 2402.14740) compares with the others' mean and has the KL in the reward.
import type { Argument, Tensor } from '@abovo/tensor-webgpu'
import { OptionError } from './errors.js'
import type { Rollout, ScoredBatch, ScoredExperience } from './experience.js'
import { GradientStep, requireFinite } from './gradient-step.js'
import { groupAdvantages, leaveOneOutAdvantages } from './group-advantage.js'
import { groupLoss, groupMetricNames, type GroupMetricName, type GroupMinibatch, type GroupOptions, type GroupSettings } from './group-objective.js'
import { exampleOf, Judgement, type PpoModels } from './judgement.js'
import { minibatchRows, requireEqualParts } from './minibatch.js'
import { scoreSamples, withMissingEnd, type Reward } from './reward.js'
import { Sampler } from './rollout.js'
import { rowsOfStep, streamOf, type RowSource } from './row-source.js'
import { copyGpt } from './scalar-gpt.js'
import { placeOnResponses, tokenBatch } from './token-batch.js'
import { joinStates, stateNumber, statePart, type TrainerState } from './trainer-state.js'

type Models = Pick<PpoModels, 'policy' | 'reference'>
/** The means of one update. */
export type GroupMetrics = Readonly<Record<GroupMetricName | 'grad_norm' | 'objective/scores' | 'objective/kl' | 'lr' | 'episode', number>>

/**
 * @example
 * const trainer = await GroupTrainer.from({ method: 'grpo', policy, reward, endToken: 0, responseLength: 16, learningRate: 1e-4 })
 * for await (const { metrics } of trainer.train({ prompts, updates: 50, batchSize: 8 })) report(metrics['objective/scores'])
 */
export class GroupTrainer {
  readonly models: Models
  readonly #settings: GroupSettings
  readonly #reward: Reward
  readonly #sampler: Sampler
  readonly #judgement: Judgement
  readonly #gradientStep: GradientStep<GroupMinibatch, GroupMetricName>
  #update = 0
  #episode = 0

  constructor(models: Models, { reward, tokenizer, betas = [0.9, 0.999], eps = 1e-5, weightDecay = 0, maxGradNorm = 1, ...options }: Omit<GroupOptions, 'policy'>) {
    if (models.policy === models.reference) throw new OptionError('GroupTrainer: the reference must be another model than the policy, got the same; give a copy, or use GroupTrainer.from')
    const settings = {
      padToken: 0, groupSize: 8, temperature: 1, beta: 0.04, scaleByGroup: true, missingEnd: {}, clipRange: 0.2, epochs: 1, minibatches: 1, learningRate: 1e-5, seed: 0,
      ...options,
    }
    if (!(settings.groupSize >= 2)) throw new OptionError(`GroupTrainer: a group must have 2 or more responses, got ${settings.groupSize}`)
    this.models = models
    this.#settings = settings
    this.#reward = reward
    this.#sampler = new Sampler(models.policy, { ...settings, tokenizer })
    this.#judgement = new Judgement({ ...models, value: null }, settings)
    this.#gradientStep = new GradientStep({
      betas, eps, weightDecay, maxGradNorm,
      parameters: Object.fromEntries(models.policy.namedParameters()),
      metrics: groupMetricNames,
      loss: groupLoss(models.policy, settings),
    })
  }

  /** With a frozen copy of the policy as reference. */
  static async from({ policy, ...options }: GroupOptions): Promise<GroupTrainer> {
    return new GroupTrainer({ policy, reference: await copyGpt(policy) }, options)
  }

  /** Updates done. */
  get updates(): number {
    return this.#update
  }

  /** 1. `groupSize` responses to each prompt, side by side. */
  rollout(prompts: readonly ArrayLike<number>[]): Promise<Rollout> {
    const { groupSize, seed } = this.#settings
    const repeated = prompts.flatMap(prompt => Array.from({ length: groupSize }, () => prompt))
    return this.#sampler.sample(repeated, streamOf(seed, { step: this.#update, purpose: 'sampling' }).seed)
  }

  /** 2. What reward, policy and reference say. @throws RewardError naming the sample for which the reward fails; nothing has changed then. */
  async score(rollout: Rollout): Promise<ScoredBatch> {
    const { missingEnd, responseLength, minibatches } = this.#settings
    const { samples } = rollout
    const scores = withMissingEnd(await scoreSamples(this.#reward, samples), samples, missingEnd)
    const judged = await this.#judgement.of(rollout, { length: this.#judgement.lengthFor(samples, responseLength), rows: Math.ceil(samples.length / minibatches) })
    return { experiences: samples.map((sample, b) => ({ sample, score: scores[b], ...judged[b] })) }
  }

  /** 3. One advantage per response, within its group. */
  advantages({ experiences }: ScoredBatch): Float64Array {
    const { method, groupSize, beta, scaleByGroup } = this.#settings
    const rewards = experiences.map(experience => (method === 'grpo' ? experience.score : experience.score - beta * klOf(experience)))
    const groups = Array.from({ length: rewards.length / groupSize }, (_, g) => rewards.slice(g * groupSize, (g + 1) * groupSize))
    return Float64Array.from(groups.flatMap(group => Array.from(method === 'grpo' ? groupAdvantages(group, { scale: scaleByGroup }) : leaveOneOutAdvantages(group))))
  }

  /** 4. Several epochs of minibatches. */
  async update({ experiences }: ScoredBatch, advantages: Float64Array, { learningRate = this.#settings.learningRate }: { learningRate?: number } = {}): Promise<GroupMetrics> {
    requireEqualParts('GroupTrainer', experiences.length, { ...this.#settings, microBatches: 1 })
    const random = streamOf(this.#settings.seed, { step: this.#update, purpose: 'minibatches' })
    const pending = minibatchRows(experiences.length, { ...this.#settings, random }).map(rows => this.#gradientStep.run([this.#pack(experiences, advantages, rows)], learningRate))
    const read = await Promise.all(pending.map(metrics => metrics.read()))
    const steps = read.map(metrics => requireFinite('GroupTrainer', metrics, this.#update))
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
    this.#update++
    this.#episode += experiences.length
    return {
      loss: mean(steps.map(step => step.loss)),
      'policy/approxkl': mean(steps.map(step => step['policy/approxkl'])),
      'policy/clipfrac': mean(steps.map(step => step['policy/clipfrac'])),
      kl: mean(steps.map(step => step.kl)),
      'grad_norm': mean(steps.map(step => step.grad_norm)),
      'objective/scores': mean(experiences.map(({ score }) => score)),
      'objective/kl': mean(experiences.map(klOf)),
      lr: learningRate,
      episode: this.#episode,
    }
  }

  /** All four stages. When the reward fails, the step can be taken again: the same responses are sampled. */
  async step(prompts: readonly ArrayLike<number>[], options: { learningRate?: number } = {}): Promise<GroupMetrics> {
    requireEqualParts('GroupTrainer', prompts.length * this.#settings.groupSize, { ...this.#settings, microBatches: 1 })
    const scored = await this.score(await this.rollout(prompts))
    return this.update(scored, this.advantages(scored), options)
  }

  /** Up to `updates` updates in all, on `batchSize` prompts each, with a learning rate that falls linearly to zero. */
  async *train({ prompts, updates, batchSize }: { prompts: RowSource<ArrayLike<number>>; updates: number; batchSize: number }): AsyncGenerator<{ readonly update: number; readonly metrics: GroupMetrics }> {
    const { seed, learningRate } = this.#settings
    while (this.#update < updates) {
      const rows = rowsOfStep(prompts, { step: this.#update, count: batchSize, seed })
      const metrics = await this.step(rows, { learningRate: learningRate * (1 - this.#update / updates) })
      yield { update: this.#update, metrics }
    }
  }

  /** All that is needed to go on exactly. The reference is in it: it may exist nowhere else. */
  async state(): Promise<TrainerState> {
    const { policy, reference } = this.models
    return { numbers: { update: this.#update, episode: this.#episode }, tensors: joinStates({ policy: await policy.stateDict(), reference: await reference.stateDict(), optimizer: await this.#gradientStep.state() }) }
  }

  restore(saved: TrainerState): void {
    const [update, episode] = ['update', 'episode'].map(name => stateNumber(saved, name))
    this.#gradientStep.restore(statePart(saved.tensors, 'optimizer'))
    this.models.policy.loadStateDict(statePart(saved.tensors, 'policy'))
    this.models.reference.loadStateDict(statePart(saved.tensors, 'reference'))
    this.#update = update
    this.#episode = episode
  }

  /** Frees the compiled plans and the sampling session; the models stay. */
  dispose(): void {
    this.#sampler.dispose()
    this.#judgement.dispose()
    this.#gradientStep.dispose()
  }

  #pack(experiences: readonly ScoredExperience[], advantages: Float64Array, rows: Uint32Array): Argument<GroupMinibatch> {
    const { padToken, responseLength } = this.#settings
    const { policy } = this.models
    const length = this.#judgement.lengthFor(experiences.map(({ sample }) => sample), responseLength)
    const device = policy.parameters()[0].device
    const part = Array.from(rows, row => experiences[row])
    const prompts = part.map(({ sample }) => sample.promptIds.length)
    const place = (values: readonly Float64Array[]): Tensor => placeOnResponses(values, prompts, { device, length })
    return {
      ...tokenBatch(part.map(({ sample }) => exampleOf(sample)), { device, length, vocabSize: policy.vocabSize, padToken }),
      oldLogProbs: place(part.map(({ logProbs }) => logProbs)),
      referenceLogProbs: place(part.map(({ referenceLogProbs }) => referenceLogProbs)),
      advantages: place(part.map(({ logProbs }, b) => new Float64Array(logProbs.length).fill(advantages[rows[b]]))),
    }
  }
}

/** Σ over tokens of log π/π_ref. */
const klOf = ({ logProbs, referenceLogProbs }: ScoredExperience): number => logProbs.reduce((sum, logProb, t) => sum + logProb - referenceLogProbs[t], 0)
