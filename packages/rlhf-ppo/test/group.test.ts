import { Gpt } from '@abovo/nn-transformer'
import { requestDevice } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { GroupTrainer, type GroupOptions } from '../src/index.ts'

const device = await requestDevice('reference')
const make = (changes: Partial<GroupOptions> = {}) =>
  GroupTrainer.from({
    policy: new Gpt({ vocabSize: 8, nPositions: 8, nEmbd: 8, nLayer: 1, nHead: 2 }, { seed: 4, device }),
    method: 'grpo', reward: samples => samples.map(({ responseIds }) => responseIds.filter(id => id === 3).length), endToken: 1, responseLength: 4, groupSize: 4, learningRate: 2e-2, ...changes,
  })
const prompts = [[2], [3, 4], [5], [2, 2]]

test.each(['grpo', 'rloo'] as const)('%s earns more and more', async method => {
  const trainer = await make({ method })
  const scores: number[] = []
  for await (const { metrics } of trainer.train({ prompts, updates: 20, batchSize: 4 })) scores.push(metrics['objective/scores'])
  expect(scores.slice(-3).reduce((a, b) => a + b) / 3).toBeGreaterThan(scores.slice(0, 3).reduce((a, b) => a + b) / 3 + 0.5)
})

test('the responses to a prompt stand side by side and their advantages add up to zero', async () => {
  const trainer = await make({ method: 'rloo' })
  const rollout = await trainer.rollout(prompts)
  expect(rollout.samples.map(({ promptIds }) => promptIds.join())).toEqual(prompts.flatMap(prompt => Array.from({ length: 4 }, () => prompt.join())))
  const advantages = trainer.advantages(await trainer.score(rollout))
  for (let g = 0; g < 4; g++) expect(advantages.slice(4 * g, 4 * g + 4).reduce((a, b) => a + b)).toBeCloseTo(0, 10)
})

test('a group whose responses all score the same teaches nothing', async () => {
  const trainer = await make({ reward: samples => samples.map(() => 1), beta: 0 })
  const before = await trainer.models.policy.stateDict()
  await trainer.step(prompts)
  expect(await trainer.models.policy.stateDict()).toEqual(before)
})

test('a restored trainer goes on with the same bits', async () => {
  const whole = await make()
  await whole.step(prompts)
  const saved = structuredClone(await whole.state())
  await whole.step(prompts)
  const resumed = await make()
  resumed.restore(saved)
  await resumed.step(prompts)
  expect(await resumed.models.policy.stateDict()).toEqual(await whole.models.policy.stateDict())
})

test('a group of one is refused', async () => {
  await expect(make({ groupSize: 1 })).rejects.toThrow('2 or more responses, got 1')
})

test('in RLOO a response further from the reference is worth less, by β times its KL; in GRPO the KL is in the loss', async () => {
  const sample = { prompt: '', response: '', promptIds: [2], responseIds: [3, 1], ended: true }
  const experience = (kl: number) => ({ sample, score: 1, logProbs: Float64Array.of(-1, -1 + kl), referenceLogProbs: Float64Array.of(-1, -1), values: new Float64Array(2) })
  const scored = { experiences: [0, 0, 0, 2].map(experience) }
  const rloo = (await make({ method: 'rloo', beta: 0.5 })).advantages(scored)
  expect([...rloo].map(a => Number(a.toFixed(10)))).toEqual([0.3333333333, 0.3333333333, 0.3333333333, -1])
  expect([...(await make({ method: 'grpo', beta: 0.5 })).advantages(scored)]).toEqual([0, 0, 0, 0])
})
