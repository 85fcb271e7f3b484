import { Gpt } from '@abovo/nn-transformer'
import { requestDevice } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { DpoTrainer, responseLogProbs, type RankedExample } from '../src/index.ts'

const device = await requestDevice('reference')
const policy = () => new Gpt({ vocabSize: 8, nPositions: 8, nEmbd: 8, nLayer: 1, nHead: 2 }, { seed: 4, device })
const preferences: RankedExample[] = [{ prompt: [5, 6], completions: [[7, 2, 1], [3, 1]] }, { prompt: [3], completions: [[4, 1], [1], [3, 3, 3, 1]] }]
const logProb = async (model: Gpt, prompt: ArrayLike<number>, completion: ArrayLike<number>) => (await responseLogProbs(model, [{ prompt, completion }]))[0].reduce((a, b) => a + b)

test('at the start policy and reference agree: the loss is log 2', async () => {
  const metrics = await (await DpoTrainer.from(policy())).update(preferences).read()
  expect(metrics.loss).toBeCloseTo(Math.log(2), 10)
  expect(metrics['rewards/margins']).toBeCloseTo(0, 10)
})

test('training makes chosen answers likelier than rejected ones, against the frozen reference', async () => {
  const trainer = await DpoTrainer.from(policy(), { learningRate: 1e-2, batchSize: 2 })
  const before = await trainer.reference.stateDict()
  let last = null
  for await (const metrics of trainer.train({ preferences, steps: 30, reportEvery: 30 })) last = metrics
  expect(last?.['rewards/accuracies']).toBeCloseTo(1, 10)
  expect(await trainer.reference.stateDict()).toEqual(before)
  for (const { prompt, completions: [best, ...others] } of preferences)
    for (const other of others) {
      const gain = async (completion: ArrayLike<number>) => (await logProb(trainer.policy, prompt, completion)) - (await logProb(trainer.reference, prompt, completion))
      expect(await gain(best)).toBeGreaterThan(await gain(other))
    }
})

test('a restored trainer goes on with the same bits', async () => {
  const whole = await DpoTrainer.from(policy(), { learningRate: 1e-2 })
  await whole.update(preferences).read()
  const saved = structuredClone(await whole.state())
  await whole.update(preferences).read()
  const resumed = await DpoTrainer.from(policy(), { learningRate: 1e-2 })
  resumed.restore(saved)
  await resumed.update(preferences).read()
  expect(await resumed.policy.stateDict()).toEqual(await whole.policy.stateDict())
})

test('the policy itself cannot be its reference', () => {
  const model = policy()
  expect(() => new DpoTrainer(model, model)).toThrow('another model than the policy')
})

test('what stands at padding changes no weight', async () => {
  const after = async (padToken: number) => {
    const trainer = await DpoTrainer.from(policy(), { learningRate: 1e-2, padToken })
    for (let i = 0; i < 3; i++) await trainer.update(preferences).read()
    return trainer.policy.stateDict()
  }
  expect(await after(0)).toEqual(await after(6))
})
