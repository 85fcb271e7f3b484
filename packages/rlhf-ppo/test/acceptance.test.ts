// The whole road in a world where every answer is known (research/rlhf.md, section 4), on WASM. A stage that learns less than it should, or
// more than it can, fails. bench/world.ts runs the same at length.
import { requestDevice } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { Sampler, type RewardFunction } from '../src/index.ts'
import { enumerate, enumerateAll, ppoFigures, ppoStage, rewardStage, sftFigures, sftStage } from './stages.ts'
import { END, goldReward, longest, makeWorld } from './world.ts'

const device = await requestDevice('wasm')
const world = makeWorld(11)
// each stage takes 5 to 20 s on two free cores; the rest is for cores that are shared
const patience = 180_000
const { model } = await sftStage(world, { device, steps: 400 })
const reference = await enumerateAll(model, world)

test('the probabilities of all 9,331 responses to a prompt sum to one', () => {
  expect(world.responses).toHaveLength(9331)
  for (const mass of sftFigures(world, reference).masses) expect(Math.abs(mass - 1)).toBeLessThan(1e-4)
})

test('SFT comes within 0.005 nats a token of the entropy of its source, and not below', () => {
  const { floor, crossEntropy } = sftFigures(world, reference)
  expect(crossEntropy).toBeGreaterThan(floor - 1e-4)
  expect(crossEntropy).toBeLessThan(floor + 0.005)
})

test('sampling with the cache gives responses as often as their probabilities say', { timeout: patience }, async () => {
  const sampler = new Sampler(model, { endToken: END, responseLength: longest })
  const [prompt] = world.prompts
  const counts = new Map<string, number>()
  const draws = 8192
  for (let seed = 0; seed < 8; seed++) for (const { response, ended } of (await sampler.sample(Array.from({ length: draws / 8 }, () => [prompt]), seed)).samples) counts.set(`${response} ${ended}`, (counts.get(`${response} ${ended}`) ?? 0) + 1)
  sampler.dispose()
  const logProbs = await enumerate(model, world, prompt)
  const likely = world.responses.map((response, r) => ({ key: `${response.filter(token => token !== END).join(' ')} ${response.includes(END)}`, expected: draws * Math.exp(logProbs[r]) })).filter(({ expected }) => expected > 20)
  const rest = { expected: draws - likely.reduce((total, { expected }) => total + expected, 0), seen: draws - likely.reduce((total, { key }) => total + (counts.get(key) ?? 0), 0) }
  const chiSquare = likely.reduce((total, { key, expected }) => total + ((counts.get(key) ?? 0) - expected) ** 2 / expected, (rest.seen - rest.expected) ** 2 / rest.expected)
  const freedom = likely.length
  expect(freedom).toBeGreaterThan(20)
  expect((chiSquare - freedom) / Math.sqrt(2 * freedom)).toBeLessThan(4)   // standard deviations above its mean
})

test("the reward model is within 0.04 of Bayes' accuracy on held-out pairs, and not above", { timeout: patience }, async () => {
  const { figures, meanOnReference } = await rewardStage(world, model, { steps: 450 })
  expect(figures.accuracy).toBeGreaterThan(figures.bayes - 0.04)
  expect(figures.accuracy).toBeLessThan(figures.bayes + 0.012)
  expect(figures.order).toBeGreaterThan(0.9)
  expect(Math.abs(meanOnReference)).toBeLessThan(1e-6)
})

test('PPO reaches 0.93 of the exact optimum with honest metrics and rewards only for what it sampled', { timeout: patience }, async () => {
  let scored = 0
  const reward: RewardFunction = samples => {
    scored += samples.length
    return goldReward(samples)
  }
  const { ppo, loggedKl } = await ppoStage(world, model, { updates: 60, reward })
  const figures = ppoFigures(world, { reference, policy: await enumerateAll(ppo.policy, world) })
  expect(figures.fraction).toBeGreaterThanOrEqual(0.93)
  expect(figures.fraction).toBeLessThan(1 + 1e-6)
  expect(figures.kl / figures.bestKl).toBeGreaterThan(0.6)
  expect(figures.kl / figures.bestKl).toBeLessThan(1.3)
  expect(Math.abs(loggedKl - figures.kl)).toBeLessThan(0.35)
  expect(scored).toBe(60 * 256)
  // the frozen reference is still the SFT model
  expect(await enumerate(ppo.models.reference, world, world.prompts[0])).toEqual(reference[0])
})
