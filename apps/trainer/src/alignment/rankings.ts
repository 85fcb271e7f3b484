// Rankings of a model's own answers by a gold reward: what people would be asked for.
import { Sampler, type Preference } from '@abovo/rlhf-ppo'
import type { TrainedModel } from '../stages/trained-model.js'
import { encodePlain } from '../text/corpus.js'
import type { GoldReward } from './gold-reward.js'

export interface RankingOptions {
  readonly gold: GoldReward
  /** Answers to each prompt. */
  readonly answers: number
  readonly responseLength: number
  readonly endToken: number
  readonly seed: number
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/** Prompts at a time: one shape of batch, one plan. */
const PROMPTS_AT_ONCE = 16

/** Ranks several answers to each prompt, best first. Of answers with the same reward one stays; prompts with a single one are left out. */
export async function rankAnswers({ model, tokenizer }: TrainedModel, prompts: readonly string[], { gold, answers, responseLength, endToken, seed, onProgress, signal }: RankingOptions): Promise<Preference[]> {
  const sampler = new Sampler(model, { endToken, responseLength, tokenizer })
  const rankings: Preference[] = []
  try {
    for (let start = 0; start < prompts.length && signal?.aborted !== true; start += PROMPTS_AT_ONCE) {
      const part = prompts.slice(start, start + PROMPTS_AT_ONCE)
      const rows = part.flatMap(prompt => Array.from({ length: answers }, () => encodePlain(tokenizer, prompt)))
      const { samples } = await sampler.sample(rows, seed + start)
      part.forEach((prompt, i) => {
        const ranking = ranked(samples.slice(i * answers, (i + 1) * answers).map(({ response }) => response), gold)
        if (ranking.length > 1) rankings.push({ prompt, completions: ranking })
      })
      onProgress?.(Math.min(start + PROMPTS_AT_ONCE, prompts.length), prompts.length)
    }
  } finally {
    sampler.dispose()
  }
  return rankings
}

function ranked(answers: readonly string[], gold: GoldReward): string[] {
  const byReward = new Map<number, string>()
  for (const answer of answers) if (answer !== '' && !byReward.has(gold.score(answer))) byReward.set(gold.score(answer), answer)
  return [...byReward].sort(([a], [b]) => b - a).map(([, answer]) => answer)
}
