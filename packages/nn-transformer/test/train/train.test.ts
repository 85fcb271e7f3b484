import { crossEntropy, tensor, type Device } from '@abovo/tensor-webgpu'
import { beforeAll, expect, test } from 'vitest'
import { loadGpt, saveModel } from '../../src/checkpoint/model-folder.js'
import { loadTraining, saveTraining } from '../../src/checkpoint/training-folder.js'
import { DivergenceError } from '../../src/errors.js'
import { Gpt } from '../../src/models/gpt.js'
import { train, type TrainingState, type TrainOptions } from '../../src/train/train.js'
import { Training } from '../../src/train/training.js'
import { describeOnHosts } from '../describe-on-devices.js'

const ids = Int32Array.from({ length: 120 }, (_, i) => (i * i) % 11)
const options: TrainOptions = { steps: 8, batchSize: 2, blockSize: 6, seed: 3, lr: 1e-2, warmupSteps: 2 }
const config = { vocabSize: 11, nPositions: 6, nEmbd: 8, nLayer: 1, nHead: 2, residPdrop: 0.1, embdPdrop: 0.1 }

describeOnHosts('train', open => {
  let device: Device
  beforeAll(async () => {
    device = await open()
  })
  const fresh = (): Gpt => new Gpt(config, { seed: 1, device })

  test('lowers the loss and reports every step in order', async () => {
    const losses: number[] = []
    const steps: number[] = []
    const evaluations: number[] = []
    const model = new Gpt({ ...config, residPdrop: 0, embdPdrop: 0 }, { seed: 1, device })
    await train(model, { train: ids, validation: ids.subarray(0, 40) }, { ...options, steps: 60, evaluateEvery: 25, onStep: report => (losses.push(report.loss), steps.push(report.step)), onEvaluation: ({ step }) => void evaluations.push(step) })
    expect(steps).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    expect(losses[59]).toBeLessThan(losses[0] - 0.5)
    expect(evaluations).toEqual([25, 50, 60])
  })

  test('resumes exactly: interrupted after 3 steps and saved to files, the rest gives the same parameters', async () => {
    const whole = fresh()
    await train(whole, { train: ids }, options)
    const half = fresh()
    const stop = new AbortController()
    const state = await train(half, { train: ids }, { ...options, readAhead: 0, signal: stop.signal, onStep: ({ step }) => step === 3 && stop.abort() })
    expect(state.finish).toBe('aborted')
    const files = { ...(await saveModel(half)), ...saveTraining(state) }
    const resumed = loadGpt(files, { device })
    const end = await train(resumed, { train: ids }, { ...options, resume: loadTraining(files) })
    expect(end.step).toBe(8)
    const [a, b] = [await whole.stateDict(), await resumed.stateDict()]
    for (const [name, { data }] of a) expect(b.get(name)!.data, name).toEqual(data)
  })

  test('hands out a checkpoint every so many steps and at the end', async () => {
    const at: number[] = []
    await train(fresh(), { train: ids }, { ...options, checkpointEvery: 3, onCheckpoint: (state: TrainingState) => void at.push(state.step) })
    expect(at).toEqual([3, 6, 8])
  })

  test('stops at a loss that is not finite, naming the step, with the parameters from before it', async () => {
    const model = fresh()
    const state = new Map(await model.stateDict())
    const bias = state.get('transformer.ln_f.bias')!
    model.loadStateDict(state.set('transformer.ln_f.bias', { ...bias, data: Float32Array.from(bias.data).fill(NaN, 0, 1) }))
    const before = await model.stateDict()
    const error: unknown = await train(model, { train: ids }, options).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DivergenceError)
    expect(String(error)).toContain('in step 1 the loss is NaN')
    for (const [name, { data }] of await model.stateDict()) expect(data, name).toEqual(before.get(name)!.data)
    await expect(train(fresh(), { train: ids }, { ...options, lr: () => NaN })).rejects.toThrow(/learning rate.*got NaN in step 1/)
  })

  test('a step that is not finite changes neither parameters nor optimizer, nor do later ones', async () => {
    const model = new Gpt({ ...config, residPdrop: 0, embdPdrop: 0 }, { seed: 1, device })
    const training = new Training(model, batch => crossEntropy(model.forward(batch.inputs), batch.targets).mul(batch.factor), { lr: 1e-2 })
    const batch = (factor: number) => ({ inputs: { shape: [1, 6], data: ids.slice(0, 6) }, targets: { shape: [1, 6], data: ids.slice(1, 7) }, factor: { shape: [], data: Float32Array.of(factor) } })
    training.step(batch(1))
    const before = await model.stateDict()
    const optimizer = await training.state()
    training.step(batch(NaN))
    training.step(batch(1))
    const after = await model.stateDict()
    for (const [name, { data }] of before) expect(after.get(name)!.data, name).toEqual(data)
    for (const [name, { data }] of await training.state()) expect(data, name).toEqual(optimizer.get(name)!.data)
  })

  test('refuses options that do not fit, all at once', async () => {
    await expect(train(fresh(), { train: ids }, { ...options, steps: 0, batchSize: 1.5, blockSize: 7 })).rejects.toThrow(/steps.*batchSize.*blockSize/)
    await expect(train(fresh(), { train: [1, 2, 11, 0, 0, 0, 0, 0] }, options)).rejects.toThrow(/got 11 at 2/)
    expect(await tensor([1], { device }).item()).toBe(1)
  })
})
