// Training in f16 with f32 masters: learns as f32 does, skips what overflows, resumes exactly, and refuses devices without f16. The reference device has
// f16, rounding every result; the GPU's is lavapipe's.
import { castParameters, grad } from '@abovo/autograd'
import { crossEntropy, requestDevice, tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { orderNodes } from '@abovo/tensor-webgpu/graph'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadGpt, saveModel } from '../../src/checkpoint/model-folder.js'
import { loadTraining, saveTraining } from '../../src/checkpoint/training-folder.js'
import { ConfigError, DivergenceError } from '../../src/errors.js'
import { functionalCall } from '../../src/functional-call.js'
import { Noise } from '../../src/layers/noise.js'
import { Bert } from '../../src/models/bert.js'
import { Gpt } from '../../src/models/gpt.js'
import { RecurrentLanguageModel } from '../../src/models/rnn.js'
import { Transformer } from '../../src/models/transformer.js'
import type { Module } from '../../src/module.js'
import { train, type StepReport, type TrainOptions } from '../../src/train/train.js'
import { Training } from '../../src/train/training.js'
import { describeOnWebgpu, webgpuTimeout } from '../describe-on-devices.js'
import fixture from '../fixtures/gpt-losses.json' with { type: 'json' }
import { seededBatches, seededGpt, type SeededCase } from '../fixtures/seeded-gpt.js'

const ids = Int32Array.from({ length: 120 }, (_, i) => (i * i) % 11)
const options: TrainOptions = { steps: 8, batchSize: 2, blockSize: 6, seed: 3, lr: 1e-2, warmupSteps: 2, precision: 'mixed' }
const config = { vocabSize: 11, nPositions: 6, nEmbd: 8, nLayer: 1, nHead: 2, residPdrop: 0.1, embdPdrop: 0.1 }

let reference: Device
beforeAll(async () => {
  reference = await requestDevice('reference')
})

async function lossesOf(given: SeededCase, device: Device, steps = given.losses.length): Promise<number[]> {
  const model = seededGpt(given, device)
  const training = new Training(model, batch => crossEntropy(model.forward(batch.inputs), batch.targets), { lr: given.lr, betas: [0.9, 0.95], weightDecay: 0.1, precision: 'mixed' })
  const batches = seededBatches(given)
  const results = Array.from({ length: steps }, () => training.step(batches.next().value))
  const losses = await Promise.all(results.map(({ loss }) => loss.item()))
  training.dispose()
  return losses
}

const furthest = (a: readonly number[], b: readonly number[]): number => Math.max(...a.map((value, i) => Math.abs(value - b[i])))

const state = async (model: Module, training: Training): Promise<Map<string, number[]>> =>
  new Map([...(await model.stateDict()), ...(await training.state())].filter(([name]) => !name.startsWith('lossScale.')).map(([name, { data }]) => [name, [...data]]))

describe('mixed precision', () => {
  test.each([
    ['Gpt', (device: Device): [Module, (noise: Noise) => Tensor] => {
      const model = new Gpt({ ...config, attnPdrop: 0.1 }, { seed: 1, device })
      return [model, noise => model.loss(tensor([[1, 2, 3]], { dtype: 'i32', device }), tensor([[2, 3, 4]], { dtype: 'i32', device }), { noise })]
    }],
    ['Bert', (device: Device): [Module, (noise: Noise) => Tensor] => {
      const model = new Bert({ vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, intermediateSize: 16, maxPositionEmbeddings: 8 }, { seed: 1, device })
      return [model, noise => model.loss({ inputs: tensor([[1, 2, 3]], { dtype: 'i32', device }), labels: tensor([[-100, 3, 4]], { dtype: 'i32', device }), attentionMask: tensor([[1, 1, 0]], { dtype: 'i32', device }) }, noise)]
    }],
    ['Transformer', (device: Device): [Module, (noise: Noise) => Tensor] => {
      const model = new Transformer({ vocabSize: 11, nEmbd: 8, nHead: 2, nLayer: 1, nPositions: 8, padToken: 0, pdrop: 0.1 }, { seed: 1, device })
      return [model, noise => model.loss({ source: tensor([[3, 4, 5]], { dtype: 'i32', device }), target: tensor([[1, 4, 2]], { dtype: 'i32', device }) }, noise)]
    }],
    ['RecurrentLanguageModel', (device: Device): [Module, (noise: Noise) => Tensor] => {
      const model = new RecurrentLanguageModel({ kind: 'lstm', vocabSize: 11, nEmbd: 8, nLayer: 2 }, { seed: 1, device })
      return [model, noise => crossEntropy(model.forward(tensor([[1, 2, 3]], { dtype: 'i32', device }), { noise }), tensor([[2, 3, 4]], { dtype: 'i32', device }))]
    }],
  ])('every product in the forward and backward pass of %s is of halves, and the loss is f32', (_, make) => {
    const [model, lossOf] = make(reference)
    const half = castParameters(Object.fromEntries(model.namedParameters()), 'f16')
    const loss = functionalCall(model, half, () => lossOf(new Noise(1)))
    expect(loss.dtype).toBe('f32')
    const gradients = Object.values(grad(loss, half, { allowUnused: true }))
    const products = orderNodes([loss, ...gradients].map(({ node }) => node), () => false).filter(({ operation }) => operation.kind === 'matmul')
    expect(products.length).toBeGreaterThan(5)
    expect(products.map(({ dtype }) => dtype)).toEqual(products.map(() => 'f16'))
    expect(new Set(model.parameters().map(({ dtype }) => dtype))).toEqual(new Set(['f32']))
  })

  test('20 steps of a tiny GPT have the losses of float64 to twice what PyTorch\'s autocast is away', async () => {
    const losses = await lossesOf(fixture.tiny, reference)
    expect(furthest(losses, fixture.tiny.losses)).toBeLessThan(2 * furthest(fixture.tinyMixed.losses, fixture.tiny.losses))
  })

  test('an overflow skips the step to the bit, halves the loss scale, and training goes on', async () => {
    const model = new Gpt({ ...config, residPdrop: 0, embdPdrop: 0 }, { seed: 1, device: reference })
    const training = new Training(model, batch => crossEntropy(model.forward(batch.inputs), batch.targets), { lr: 1e-2, precision: 'mixed', lossScale: { initialScale: 2 ** 26 } })
    const batch = { inputs: { shape: [1, 6], data: ids.slice(0, 6) }, targets: { shape: [1, 6], data: ids.slice(1, 7) } }
    const before = await state(model, training)
    const skipped = training.step(batch)
    expect([await skipped.gradNorm.item(), await skipped.lossScale!.item()]).toEqual([Infinity, 2 ** 25])
    expect(await state(model, training)).toEqual(before)
    let steps = 0
    let last = skipped
    for (; steps < 40 && (steps === 0 || (await last.loss.item()) > 1); steps++) last = training.step(batch)
    expect(await last.loss.item()).toBeLessThan(1)
    expect(await last.gradNorm.item()).toBeLessThan(100)
    expect(training.done).toBe(steps + 1)
  })

  test('resumes exactly, skipped steps and all', async () => {
    const fresh = (): Gpt => new Gpt(config, { seed: 1, device: reference })
    const reports: StepReport[] = []
    const lossScale = { initialScale: 2 ** 25, growthInterval: 3 }
    const whole = fresh()
    await train(whole, { train: ids }, { ...options, lossScale, onStep: report => void reports.push(report) })
    expect(reports.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(reports[0].gradNorm).toBe(Infinity)
    const half = fresh()
    const stop = new AbortController()
    const end = await train(half, { train: ids }, { ...options, lossScale, readAhead: 0, signal: stop.signal, onStep: ({ step }) => step === 5 && stop.abort() })
    const files = { ...(await saveModel(half)), ...saveTraining(end) }
    const resumed = loadGpt(files, { device: reference })
    const rest: StepReport[] = []
    expect((await train(resumed, { train: ids }, { ...options, lossScale, resume: loadTraining(files), onStep: report => void rest.push(report) })).step).toBe(8)
    expect(rest).toEqual(reports.slice(5))
    const [a, b] = [await whole.stateDict(), await resumed.stateDict()]
    for (const [name, { data }] of a) expect(b.get(name)!.data, name).toEqual(data)
  })

  test('stops where gradients overflow without a loss scale, with the parameters from before', async () => {
    const model = new Gpt(config, { seed: 1, device: reference })
    const weights = new Map(await model.stateDict())
    const bias = weights.get('transformer.ln_f.bias')!
    model.loadStateDict(weights.set('transformer.ln_f.bias', { ...bias, data: Float32Array.from(bias.data).fill(NaN, 0, 1) }))
    const before = await model.stateDict()
    const error: unknown = await train(model, { train: ids }, { ...options, steps: 40 }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DivergenceError)
    expect(String(error)).toMatch(/in step 17 the gradients overflow f16 without a loss scale.*precision 'f32'/)
    for (const [name, { data }] of await model.stateDict()) expect(data, name).toEqual(before.get(name)!.data)
  })

  test('is refused on a device without f16, with the remedy', async () => {
    const wasm = await requestDevice('wasm', { threads: 1 })
    const model = new Gpt(config, { seed: 1, device: wasm })
    await expect(train(model, { train: ids }, options)).rejects.toThrow(ConfigError)
    await expect(train(model, { train: ids }, options)).rejects.toThrow(/train: mixed precision needs a device where f16 works, got wasm .*; use \{ precision: 'f32' \} here/)
    wasm.close()
  })
})

describeOnWebgpu('mixed precision on webgpu', open => {
  test('has the losses of float64 to twice what PyTorch\'s autocast is away, the same bits twice, learns the task, and skips what overflows', async () => {
    const device = await open()
    if (!device.supports('f16')) return expect(() => new Training(new Gpt(config, { seed: 1, device }), () => tensor(1), { precision: 'mixed' })).toThrow(/mixed precision needs a device where f16 works, got webgpu/)
    const losses = await lossesOf(fixture.tiny, device, 120)
    expect(furthest(losses.slice(0, 20), fixture.tiny.losses)).toBeLessThan(2 * furthest(fixture.tinyMixed.losses, fixture.tiny.losses))
    expect(await lossesOf(fixture.tiny, device)).toEqual(losses.slice(0, 20))
    // the target is a function of the token: nothing is left to lose
    expect(losses[119]).toBeLessThan(0.02)

    const model = seededGpt(fixture.tiny, device)
    const training = new Training(model, batch => crossEntropy(model.forward(batch.inputs), batch.targets), { lr: fixture.tiny.lr, precision: 'mixed', lossScale: { initialScale: 2 ** 30 } })
    const before = await state(model, training)
    const { loss, gradNorm, lossScale } = training.step(seededBatches(fixture.tiny).next().value)
    expect([await gradNorm.item(), await lossScale!.item()]).toEqual([Infinity, 2 ** 29])
    expect(await loss.item()).toBeCloseTo(losses[0], 5)
    expect(await state(model, training)).toEqual(before)
    training.dispose()
    device.close()
  }, webgpuTimeout)
})
