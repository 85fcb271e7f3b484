// A replayed training step must be the step: whatever changes between calls changes what it computes, and nothing else does. The oracle is the same
// function compiled anew at every step, which replays nothing and must give the same bits; and the function uncompiled, which is planned otherwise.
import { adamW, clipGradNorm, grad } from '@abovo/autograd'
import { Gpt, Noise } from '@abovo/nn-transformer'
import { compile, crossEntropy, requestDevice, tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { batchOf } from '../bench/instruments/gpt-training.js'

// an adapter compiles some forty kernels first, and a busy machine takes its time for that
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const sizes = { L: 1, C: 16, H: 2, T: 8, B: 2, V: 32 }
const STEPS = 4
type How = 'replayed' | 'compiled anew' | 'uncompiled'

interface Run {
  /** One step with this data, dropout seed and learning rate. */
  readonly step: (data: number, seed: number, rate: number) => Promise<number>
  readonly parameters: () => Promise<number[]>
}

function start(device: Device, how: How, modelSeed = 1): Run {
  const { L, C, H, T, V } = sizes
  const model = new Gpt({ vocabSize: V, nPositions: T, nEmbd: C, nLayer: L, nHead: H, residPdrop: 0.2 }, { seed: modelSeed, device })
  const parameters: Record<string, Tensor> = Object.fromEntries(model.namedParameters())
  const optimizer = adamW(parameters, { lr: 0.01 })
  const update = (inputs: Tensor, targets: Tensor, seed: Tensor): Tensor => {
    const loss = crossEntropy(model.forward(inputs, { noise: new Noise(seed) }), targets)
    optimizer.step(clipGradNorm(grad(loss, parameters), 1).gradients)
    return loss
  }
  const replayed = compile(update)
  const functions = {
    replayed: () => replayed,
    'compiled anew': () => compile(update),
    uncompiled: () => update,
  }
  return {
    step: async (data, seed, rate) => {
      optimizer.setLearningRate(rate)
      const { inputs, targets } = batchOf(sizes, 1 + 100 * data, device)
      return functions[how]()(inputs, targets, tensor(seed, { dtype: 'u32', device })).item()
    },
    parameters: async () => (await Promise.all(Object.values(parameters).map(async parameter => [...(await parameter.data())]))).flat(),
  }
}

/** Losses of a few steps, then all parameters. */
async function train(device: Device, how: How, settings: (i: number) => readonly [data: number, seed: number, rate: number]): Promise<number[]> {
  const run = start(device, how)
  const losses: number[] = []
  for (let i = 0; i < STEPS; i++) losses.push(await run.step(...settings(i)))
  return [...losses, ...(await run.parameters())]
}

function replayGates(open: () => Promise<Device>): void {
  let device: Device
  let unchanging: number[]
  beforeAll(async () => {
    device = await open()
    unchanging = await train(device, 'replayed', () => [0, 7, 0.01])
  })

  test('replays what is compiled anew, bit for bit, when only the step count changes', async () => {
    expect(unchanging).toEqual(await train(device, 'compiled anew', () => [0, 7, 0.01]))
  })

  test.each<[string, (i: number) => readonly [number, number, number]]>([
    ['the learning rate', i => [0, 7, 0.01 / (i + 1)]],
    ['the seed of dropout', i => [0, 7 + i, 0.01]],
    ['the data', i => [i, 7, 0.01]],
    ['each of them', i => [i, 7 + i, 0.01 * (i + 1)]],
  ])('replays what is compiled anew, bit for bit, when %s changes', async (_, settings) => {
    const replayed = await train(device, 'replayed', settings)
    expect(replayed).toEqual(await train(device, 'compiled anew', settings))
    expect(replayed).not.toEqual(unchanging)
  })

  test('loses as the uncompiled function does', async () => {
    const settings = (i: number): readonly [number, number, number] => [i, 7 + i, 0.01 * (i + 1)]
    const [replayed, uncompiled] = [await train(device, 'replayed', settings), await train(device, 'uncompiled', settings)]
    for (let i = 0; i < STEPS; i++) expect(Math.abs(replayed[i] - uncompiled[i])).toBeLessThan(1e-4)
  })

  test('gives the same bits for the same seeds', async () => {
    const settings = (i: number): readonly [number, number, number] => [i, 7 + i, 0.01]
    expect(await train(device, 'replayed', settings)).toEqual(await train(device, 'replayed', settings))
  })

  test('two models trained by turns are as two trained alone', async () => {
    const alone = await Promise.all([1, 2].map(async seed => {
      const run = start(device, 'replayed', seed)
      for (let i = 0; i < STEPS; i++) await run.step(i, 7, 0.01)
      return run.parameters()
    }))
    const [first, second] = [1, 2].map(seed => start(device, 'replayed', seed))
    for (let i = 0; i < STEPS; i++) {
      await first.step(i, 7, 0.01)
      await second.step(i, 7, 0.01)
    }
    expect([await first.parameters(), await second.parameters()]).toEqual(alone)
  })

  test('eager work between the steps changes nothing', async () => {
    const alone = await train(device, 'replayed', i => [i, 7, 0.01])
    const run = start(device, 'replayed')
    const losses: number[] = []
    for (let i = 0; i < STEPS; i++) {
      losses.push(await run.step(i, 7, 0.01))
      const x = tensor(Array.from({ length: 64 * (i + 1) }, (_, j) => j), { device })
      expect(await x.reshape([8, -1]).softmax(-1).sum().item()).toBeCloseTo(8, 4)
    }
    expect([...losses, ...(await run.parameters())]).toEqual(alone)
  })
}

describe('a replayed step on wasm', () => replayGates(() => requestDevice('wasm', { threads: 2 })))
describeOnAdapters('a replayed step', ({ gpu }) => replayGates(() => requestDevice('webgpu', { gpu })))
