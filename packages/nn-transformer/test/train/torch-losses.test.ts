import { crossEntropy, requestDevice, tensor, type Device } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { Training } from '../../src/train/training.js'
import { openSession } from '../../src/generate/generate.js'
import { describeOnWebgpu, webgpuTimeout } from '../describe-on-devices.js'
import fixture from '../fixtures/gpt-losses.json' with { type: 'json' }
import { seededBatches, seededGpt, type SeededCase } from '../fixtures/seeded-gpt.js'

async function lossesOf(given: SeededCase, device: Device, steps = given.losses.length): Promise<{ losses: number[]; gradNorms: number[] }> {
  const model = seededGpt(given, device)
  const training = new Training(model, batch => crossEntropy(model.forward(batch.inputs), batch.targets), { lr: given.lr, betas: [0.9, 0.95], weightDecay: 0.1, clip: 1 })
  const batches = seededBatches(given)
  const results = Array.from({ length: steps }, () => training.step(batches.next().value))
  const read = (key: 'loss' | 'gradNorm'): Promise<number[]> => Promise.all(results.map(result => result[key].item()))
  return { losses: await read('loss'), gradNorms: await read('gradNorm') }
}

function expectNear(got: readonly number[], wanted: readonly number[], tolerance: number): void {
  expect(Math.max(...got.map((value, i) => Math.abs(value - wanted[i])))).toBeLessThan(tolerance)
}

test('20 training steps of a tiny GPT have the losses of PyTorch in float64 to 1e-8 on the reference device', async () => {
  const { losses, gradNorms } = await lossesOf(fixture.tiny, await requestDevice('reference'))
  expectNear(losses, fixture.tiny.losses, 1e-8)
  expectNear(gradNorms, fixture.tiny.gradNorms, 1e-8)
})

test('20 training steps of a GPT of 860 thousand parameters have the losses of PyTorch to 1e-4 on wasm', async () => {
  const { losses, gradNorms } = await lossesOf(fixture.small, await requestDevice('wasm'))
  expectNear(losses, fixture.small.losses, 1e-4)
  expectNear(gradNorms, fixture.small.gradNorms, 1e-3)
}, 60_000)

describeOnWebgpu('on webgpu', open => {
  test('20 training steps of a tiny GPT have the losses of PyTorch to 1e-4', async () => {
    const { losses, gradNorms } = await lossesOf(fixture.tiny, await open())
    expectNear(losses, fixture.tiny.losses, 1e-4)
    expectNear(gradNorms, fixture.tiny.gradNorms, 1e-3)
  }, webgpuTimeout)

  test('decoding with the cache has the logits of the full forward pass', async () => {
    const device = await open()
    const model = seededGpt(fixture.tiny, device)
    const session = openSession(model, { batchSize: 1 })
    await session.begin([Int32Array.of(1, 2, 3)])
    const logits = await session.next(Int32Array.of(4))
    const full = await model.forward(tensor(Int32Array.of(1, 2, 3, 4), { shape: [1, 4], device })).data()
    expectNear([...logits], [...full].slice(-model.vocabSize), 1e-4)
  }, webgpuTimeout)
})
