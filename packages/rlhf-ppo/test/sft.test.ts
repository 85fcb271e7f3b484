import { Gpt } from '@abovo/nn-transformer'
import { grad } from '@abovo/autograd'
import { requestDevice, tensor } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { responseLogProbs, SftTrainer, tokenBatch, tokenLogProbs, tokenMean, type Example, type SftOptions } from '../src/index.ts'

const device = await requestDevice('reference')
const config = { vocabSize: 8, nPositions: 8, nEmbd: 8, nLayer: 1, nHead: 2 }
const examples: Example[] = [{ prompt: [5, 6], completion: [7, 2, 1] }, { prompt: [3], completion: [4, 1] }, { prompt: [2, 2, 2], completion: [1] }, { prompt: [7], completion: [7, 7, 1] }]
const fresh = () => new Gpt(config, { seed: 4, device })

/** The model's weights after some steps on the examples. */
async function trained(options: SftOptions = {}, rows: readonly Example[] = examples, steps = 2): Promise<{ loss: number; weights: number[] }> {
  const model = fresh()
  const trainer = new SftTrainer(model, { learningRate: 1e-2, ...options })
  const losses = []
  for (let i = 0; i < steps; i++) losses.push((await trainer.update(rows).read()).loss)
  return { loss: losses[losses.length - 1], weights: [...(await model.stateDict()).values()].flatMap(({ data }) => Array.from(data)) }
}

const distance = (a: number[], b: number[]) => Math.max(...a.map((value, i) => Math.abs(value - b[i])))

test('the loss is the mean of −log p over completion tokens', async () => {
  const logProbs = await responseLogProbs(fresh(), examples)
  const tokens = logProbs.flatMap(row => Array.from(row))
  expect(tokens).toHaveLength(9)
  const { loss } = await new SftTrainer(fresh()).update(examples).read()
  expect(loss).toBeCloseTo(-tokens.reduce((a, b) => a + b) / tokens.length, 10)
})

test('training lowers the loss', async () => {
  expect((await trained({}, examples, 30)).loss).toBeLessThan(0.5 * (await trained({}, examples, 1)).loss)
})

test('what stands at padding changes no weight', async () => {
  expect(distance((await trained({ padToken: 0 })).weights, (await trained({ padToken: 6 })).weights)).toBe(0)
})

test('micro-batches give the weights of the whole batch', async () => {
  expect(distance((await trained()).weights, (await trained({ microBatches: 4 })).weights)).toBeLessThan(1e-9)
})

test('packed rows give the weights of one example a row', async () => {
  for (const packedLength of [5, 8]) {
    expect(distance((await trained()).weights, (await trained({ packedLength })).weights)).toBeLessThan(1e-9)
    expect(distance((await trained()).weights, (await trained({ packedLength, microBatches: 2, padToken: 5 })).weights)).toBeLessThan(1e-9)
  }
})

test('rows that do not fit the context and ids outside the vocabulary are refused', async () => {
  await expect(trained({}, [{ prompt: [1, 1, 1, 1, 1], completion: [1, 1, 1, 1, 1] }])).rejects.toThrow('context of 8 tokens, got 9')
  await expect(trained({ packedLength: 3 })).rejects.toThrow('fit in 3 tokens, got 4')
  await expect(trained({}, [{ prompt: [8], completion: [1] }])).rejects.toThrow('below the vocabulary size 8')
  await expect(trained({}, [{ prompt: [2], completion: [] }])).rejects.toThrow('a batch must hold a token to learn, got 1 rows without one; ')
})

test('with completion-only, ids of the prompt as labels change neither loss nor gradient; without it they change both', async () => {
  const model = fresh()
  const parameters = Object.fromEntries(model.namedParameters())
  const lossAndGradient = async (completionOnly: boolean, label: (id: number, learned: boolean) => number) => {
    const { inputs, targets, mask, count } = tokenBatch(examples, { device, vocabSize: 10, length: 5, completionOnly })
    const learned = await tokenBatch(examples, { device, vocabSize: 10, length: 5 }).mask.data()
    const labels = tensor(Int32Array.from(await targets.data(), (id, i) => label(id, learned[i] === 1)), { shape: targets.shape, device })
    const loss = tokenMean(tokenLogProbs(model.forward(inputs), labels).neg(), mask, count)
    return Promise.all([loss.item(), ...Object.values(grad(loss, parameters)).map(gradient => gradient.data())])
  }
  const same = (id: number) => id
  const other = (id: number, learned: boolean) => (learned ? id : (id + 3) % 8)
  expect(await lossAndGradient(true, other)).toEqual(await lossAndGradient(true, same))
  const [loss, gradient] = await lossAndGradient(false, same)
  const [otherLoss, otherGradient] = await lossAndGradient(false, other)
  expect(otherLoss).not.toBe(loss)
  expect(otherGradient).not.toEqual(gradient)
})

test('a restored trainer goes on with the same bits', async () => {
  const source = (step: number, count: number) => Array.from({ length: count }, (_, i) => examples[(step + i) % 4])
  const run = async (trainer: SftTrainer, steps: number) => {
    for await (const { loss } of trainer.train({ examples: source, steps })) expect(loss).toBeGreaterThan(0)
  }
  const options = { learningRate: (step: number) => 1e-2 / (step + 1), batchSize: 2 }
  const whole = new SftTrainer(fresh(), options)
  await run(whole, 3)
  const saved = structuredClone(await whole.state())
  await run(whole, 6)
  const resumed = new SftTrainer(new Gpt(config, { seed: 99, device }), options)
  resumed.restore(saved)
  await run(resumed, 6)
  expect(await resumed.model.stateDict()).toEqual(await whole.model.stateDict())
})
