// SFT, reward model and PPO in the enumerable world, judged by enumeration. Only the package's public interface is used; the figures are the
// world's own. Used by the acceptance test, and at greater length by bench/world.ts.
import { Gpt } from '@abovo/nn-transformer'
import { RandomStream, type Device } from '@abovo/tensor-webgpu'
import { GroupTrainer, Ppo, responseLogProbs, RewardModel, RewardTrainer, Sampler, SftTrainer, type PpoOptions, type RankedExample, type Reward } from '../src/index.ts'
import { END, expectation, gold, goldReward, logSumExp, longest, rank, sum, vocabulary, type World } from './world.ts'

const K = 4
const noiseScale = 1.5

/** log p of every response to a prompt under a model. */
export async function enumerate(model: Gpt, world: World, prompt: number): Promise<Float64Array> {
  const rows = await responseLogProbs(model, world.responses.map(completion => ({ prompt: [prompt], completion })), { batchSize: 2048 })
  return Float64Array.from(rows, sum)
}

export const enumerateAll = async (model: Gpt, world: World): Promise<Float64Array[]> => {
  const all: Float64Array[] = []
  for (const prompt of world.prompts) all.push(await enumerate(model, world, prompt))
  return all
}

const mean = (values: readonly number[]): number => sum(values) / values.length

export async function sftStage(world: World, { device, steps, width = 32, seed = 0 }: { device: Device; steps: number; width?: number; seed?: number }) {
  const model = new Gpt({ vocabSize: vocabulary, nPositions: longest + 1, nEmbd: width, nLayer: 2, nHead: 4 }, { seed, device })
  const learningRate = (step: number) => 3e-3 * Math.min(1, (step + 1) / 50) * 0.5 * (1 + Math.cos((Math.PI * step) / steps))
  const trainer = new SftTrainer(model, { batchSize: 256, learningRate, betas: [0.9, 0.95], seed })
  let loss = NaN
  for await (const metrics of trainer.train({ examples: (_, count) => world.demonstrations(count), steps, reportEvery: steps })) loss = metrics.loss
  return { model, loss }
}

/** Cross-entropy of the model per token of the source, with the source's own entropy as the floor. */
export function sftFigures(world: World, logProbs: readonly Float64Array[]) {
  const each = world.prompts.map((prompt, i) => {
    const source = world.sourceLogProbs(prompt)
    return {
      tokens: expectation(source, r => world.responses[r].length),
      floor: -expectation(source, r => source[r]),
      model: -expectation(source, r => logProbs[i][r]),
    }
  })
  const tokens = mean(each.map(e => e.tokens))
  return { masses: logProbs.map(row => Math.exp(logSumExp(row))), floor: mean(each.map(e => e.floor)) / tokens, crossEntropy: mean(each.map(e => e.model)) / tokens }
}

export async function rewardStage(world: World, policy: Gpt, { steps, seed = 0, held = 4000 }: { steps: number; seed?: number; held?: number }) {
  const sampler = new Sampler(policy, { endToken: END, responseLength: longest })
  const noise = new RandomStream(seed + 100)
  const ranked = async (count: number): Promise<RankedExample[]> => {
    const prompts = Array.from({ length: count }, () => [world.prompt()])
    const { samples } = await sampler.sample(prompts.flatMap(prompt => Array.from({ length: K }, () => prompt)), noise.integer(2 ** 24))
    return prompts.map((prompt, i) => ({ prompt, completions: rank(prompt[0], samples.slice(i * K, (i + 1) * K).map(({ responseIds }) => responseIds), noiseScale, noise) }))
  }
  const rewardModel = await RewardModel.from(policy, { seed: seed + 1, batchSize: 1024 })
  const trainer = new RewardTrainer(rewardModel, { learningRate: step => 1e-3 * (1 - step / steps), maxGradNorm: null })
  for (let step = 0; step < steps; step++) trainer.update(await ranked(64))
  const test = await ranked(held)
  const reference = test.flatMap(({ prompt, completions }) => completions.map(completion => ({ prompt, completion })))
  await rewardModel.normalize(reference)
  sampler.dispose()
  return { rewardModel, figures: rewardFigures(test, await rewardModel.scoreExamples(reference)), meanOnReference: mean(Array.from(await rewardModel.scoreExamples(reference))) }
}

/** Of the reward model and of one that knows the gold reward: Plackett-Luce pairs are Bradley-Terry pairs, so Bayes' accuracy is known. */
function rewardFigures(test: readonly RankedExample[], scores: Float64Array) {
  let [pairs, right, bayes, ordered, untied] = [0, 0, 0, 0, 0]
  test.forEach(({ prompt, completions }, i) => {
    const golds = completions.map(completion => noiseScale * gold(prompt[0], Array.from(completion)))
    for (let a = 0; a < K; a++)
      for (let b = a + 1; b < K; b++) {
        const difference = scores[i * K + a] - scores[i * K + b]
        const true_ = golds[a] - golds[b]
        pairs++
        right += difference > 0 ? 1 : difference === 0 ? 0.5 : 0   // two equal answers: a coin
        bayes += 1 / (1 + Math.exp(-Math.abs(true_)))
        if (true_ !== 0) untied++
        if (true_ !== 0 && difference > 0 === true_ > 0) ordered++
      }
  })
  return { accuracy: right / pairs, bayes: bayes / pairs, order: ordered / untied }
}

export interface PpoStageOptions extends Partial<PpoOptions> {
  updates: number
  beta?: number
  reward?: Reward
}

export async function ppoStage(world: World, policy: Gpt, { updates, beta = 0.5, reward = goldReward, ...changes }: PpoStageOptions) {
  const ppo = await Ppo.from({
    policy, reward, endToken: END, responseLength: longest, klControl: beta, learningRate: 1e-3, valueWeight: 1, epochs: 4, minibatches: 2, seed: 7, ...changes,
  })
  const logged: number[] = []
  for await (const { metrics } of ppo.train({ prompts: (_, count) => Array.from({ length: count }, () => [world.prompt()]), updates, batchSize: 256 })) logged.push(metrics['objective/kl'])
  return { ppo, loggedKl: mean(logged.slice(-5)) }
}

/** RLOO with the same number of samples: 32 prompts, 8 responses to each. */
export async function rlooStage(world: World, policy: Gpt, { updates, beta = 0.5, reward = goldReward }: PpoStageOptions): Promise<Gpt> {
  const trainer = await GroupTrainer.from({ method: 'rloo', policy, reward, endToken: END, responseLength: longest, beta, learningRate: 1e-3, epochs: 4, minibatches: 2, seed: 7 })
  let done = 0
  for await (const { update } of trainer.train({ prompts: (_, count) => Array.from({ length: count }, () => [world.prompt()]), updates, batchSize: 32 })) done = update
  if (done !== updates) throw new Error(`rlooStage: ${updates} updates were asked for, got ${done}`)
  return trainer.models.policy
}

/** Expected gold reward of the best of n samples of a model, exact: E[max] = Σ v·(F(v)ⁿ − F(v−)ⁿ). */
export function bestOf(n: number, world: World, logProbs: readonly Float64Array[]): number {
  return mean(world.prompts.map((prompt, i) => {
    const byReward = new Map<number, number>()
    world.responses.forEach((response, r) => byReward.set(gold(prompt, response), (byReward.get(gold(prompt, response)) ?? 0) + Math.exp(logProbs[i][r])))
    let [below, expected] = [0, 0]
    for (const [value, probability] of [...byReward].sort(([a], [b]) => a - b)) {
      expected += value * ((below + probability) ** n - below ** n)
      below += probability
    }
    return expected
  }))
}

/** J = E[r] − β·KL of a policy and of the best there is, J* = β·E log Σ π_ref·exp(r/β), both exact. */
export function ppoFigures(world: World, { reference, policy, beta = 0.5, rewards }: { reference: readonly Float64Array[]; policy: readonly Float64Array[]; beta?: number; rewards?: readonly Float64Array[] }) {
  const each = world.prompts.map((prompt, i) => {
    const reward = rewards?.[i] ?? Float64Array.from(world.responses, response => gold(prompt, response))
    const tilted = reference[i].map((logProb, r) => logProb + reward[r] / beta)
    const top = logSumExp(tilted)
    const best = tilted.map(value => value - top)
    return {
      before: expectation(reference[i], r => reward[r]),
      reward: expectation(policy[i], r => reward[r]),
      kl: expectation(policy[i], r => policy[i][r] - reference[i][r]),
      best: beta * top,
      bestKl: expectation(best, r => best[r] - reference[i][r]),
    }
  })
  const of = (name: keyof (typeof each)[number]) => mean(each.map(e => e[name]))
  return { fraction: (of('reward') - beta * of('kl') - of('before')) / (of('best') - of('before')), reward: of('reward'), before: of('before'), kl: of('kl'), best: of('best'), bestKl: of('bestKl') }
}
