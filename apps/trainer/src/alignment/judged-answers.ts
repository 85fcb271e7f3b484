// What a model answers, seen from outside: gold reward, the reward model's score, and how far from the reference. One sample a prompt, at temperature 1.
import { responseLogProbs, Sampler, type RewardModel } from '@abovo/rlhf-ppo'
import type { Gpt } from '@abovo/nn-transformer'
import type { TrainedModel } from '../stages/trained-model.js'
import { encodePlain } from '../text/corpus.js'
import type { GoldReward } from './gold-reward.js'

export interface JudgingOptions {
  readonly gold: GoldReward
  readonly rewardModel: RewardModel | null
  readonly reference: Gpt | null
  readonly responseLength: number
  readonly endToken: number
  readonly seed: number
}

export interface Judged {
  /** Means over answers. */
  readonly gold: number
  readonly score: number
  /** Of log π − log π_ref, summed over an answer's tokens: an estimate, and so not quite 0 or above for few prompts. */
  readonly kl: number
  /** Share of answers that end by themselves. */
  readonly ended: number
}

/** The number of prompts is the batch: one plan for all of them. */
export async function judgeAnswers({ model, tokenizer }: TrainedModel, prompts: readonly string[], { gold, rewardModel, reference, responseLength, endToken, seed }: JudgingOptions): Promise<Judged> {
  const sampler = new Sampler(model, { endToken, responseLength, tokenizer })
  const { samples } = await sampler.sample(prompts.map(prompt => encodePlain(tokenizer, prompt)), seed)
  sampler.dispose()
  const examples = samples.map(({ promptIds, responseIds }) => ({ prompt: promptIds, completion: responseIds }))
  const logProbs = async (of: Gpt): Promise<number> => mean((await responseLogProbs(of, examples, { batchSize: 64 })).map(sum))
  return {
    gold: mean(samples.map(({ response }) => gold.score(response))),
    score: rewardModel === null ? NaN : mean([...(await rewardModel.scoreExamples(examples))]),
    kl: reference === null ? NaN : reference === model ? 0 : (await logProbs(model)) - (await logProbs(reference)),
    ended: mean(samples.map(({ ended }) => (ended ? 1 : 0))),
  }
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0)
const mean = (values: readonly number[]): number => sum(values) / values.length
