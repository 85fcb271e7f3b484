import { Gpt } from '@abovo/nn-transformer'
import { requestDevice, tensor } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { orderedPairs, logSigmoid, RewardModel, RewardTrainer, type RankedExample } from '../src/index.ts'

const device = await requestDevice('reference')
const config = { vocabSize: 8, nPositions: 12, nEmbd: 8, nLayer: 1, nHead: 2 }
const gpt = (seed = 4) => new Gpt(config, { seed, device })
const preferences: RankedExample[] = [
  { prompt: [5, 6], completions: [[7, 2, 1], [3, 1], [2, 1], [4, 4, 1]] },
  { prompt: [3], completions: [[4, 1], [1], [3, 3, 3, 1], [2, 1]] },
]
const every = preferences.flatMap(({ prompt, completions }) => completions.map(completion => ({ prompt, completion })))

test('a score does not depend on what else is in the batch, and so not on padding', async () => {
  const model = await RewardModel.from(gpt(), { seed: 1 })
  const together = await model.scoreExamples([...every, { prompt: [2], completion: [2, 2, 2, 2, 2, 2, 2, 2, 2, 1] }])
  const alone = await Promise.all(every.map(async example => (await model.scoreExamples([example]))[0]))
  alone.forEach((score, i) => expect(Math.abs(score - together[i])).toBeLessThan(1e-10))
  expect(new Set(alone.map(score => score.toFixed(6))).size).toBe(8)
})

test('the head is drawn with variance 1/(C + 1) and the body is that of the language model', async () => {
  const wide = new Gpt({ ...config, nEmbd: 1024, nHead: 1, nInner: 8 }, { seed: 4, device })
  const { model } = await RewardModel.from(wide, { seed: 1 })
  const names = model.namedParameters().map(([name]) => name)
  expect(names).toEqual([...wide.namedParameters().map(([name]) => name), 'score.weight'])
  const head = await model.score.weight.data()
  expect(1025 * Array.from(head).reduce((sum, x) => sum + x * x, 0) / 1024).toBeCloseTo(1, 0)
  expect(await model.namedParameters()[0][1].data()).toEqual(await wide.namedParameters()[0][1].data())
})

test('all pairs of a prompt are one element: the loss of the K-wise formula', async () => {
  const model = await RewardModel.from(gpt(), { seed: 1 })
  const scores = await model.scoreExamples(every)
  const [better, worse] = orderedPairs(tensor(Array.from(scores), { shape: [2, 4], device }))
  const want = await logSigmoid(better.sub(worse)).neg().mean().item()
  const { loss } = await new RewardTrainer(model).update(preferences).read()
  expect(loss).toBeCloseTo(want, 10)
})

test('prompts of different K count the same', async () => {
  const mixed: RankedExample[] = [preferences[0], { prompt: [3], completions: [[4, 1], [1]] }]
  const loss = async (rows: RankedExample[]) => (await new RewardTrainer(await RewardModel.from(gpt(), { seed: 1 })).update(rows).read()).loss
  expect(await loss(mixed)).toBeCloseTo(((await loss([mixed[0]])) + (await loss([mixed[1]]))) / 2, 10)
})

test('a margin asks for more', async () => {
  const pair = { prompt: [3], completions: [[4, 1], [1]] }
  const loss = async (row: RankedExample) => (await new RewardTrainer(await RewardModel.from(gpt(), { seed: 1 })).update([row]).read()).loss
  expect(await loss({ ...pair, margin: 1 })).toBeGreaterThan(await loss(pair))
})

test('training puts answers in order, the exchange of two answers undoes it', async () => {
  const model = await RewardModel.from(gpt(), { seed: 1 })
  const trainer = new RewardTrainer(model, { learningRate: 1e-2 })
  for (let i = 0; i < 40; i++) trainer.update(preferences)
  expect((await trainer.update(preferences).read()).accuracy).toBe(1)
  const reversed = preferences.map(row => ({ ...row, completions: row.completions.toReversed() }))
  expect((await trainer.update(reversed).read()).accuracy).toBe(0)
})

test('after normalisation the reference samples have mean 0, and variance 1 if asked', async () => {
  const model = await RewardModel.from(gpt(), { seed: 1 })
  await model.normalize(every)
  const moved = await model.scoreExamples(every)
  expect(moved.reduce((a, b) => a + b)).toBeCloseTo(0, 10)
  await model.normalize(every, { scale: true })
  expect((await model.scoreExamples(every)).reduce((sum, x) => sum + x * x, 0) / every.length).toBeCloseTo(1, 8)
})

test('a restored trainer goes on with the same bits', async () => {
  const trainer = new RewardTrainer(await RewardModel.from(gpt(), { seed: 1 }), { learningRate: 1e-2 })
  await trainer.update(preferences).read()
  const saved = structuredClone(await trainer.state())
  await trainer.update(preferences).read()
  const other = new RewardTrainer(await RewardModel.from(gpt(9), { seed: 2 }), { learningRate: 1e-2 })
  other.restore(saved)
  expect(other.step).toBe(1)
  await other.update(preferences).read()
  expect(await other.rewardModel.model.stateDict()).toEqual(await trainer.rewardModel.model.stateDict())
})

test('a single answer is refused', async () => {
  const trainer = new RewardTrainer(await RewardModel.from(gpt(), { seed: 1 }))
  expect(() => trainer.update([{ prompt: [1], completions: [[1]] }])).toThrow('2 or more answers, got 1 in row 0')
})
