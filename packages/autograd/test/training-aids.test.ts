// What stands beside an optimizer: averages, loss scaling, accumulation, and the search for the first NaN.
import { beforeAll, describe, expect, test } from 'vitest'
import { compile, requestDevice, scaledDotProductAttention, tensor, where, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { findNonFinite } from '../src/find-non-finite.ts'
import { grad } from '../src/grad.ts'
import { GradientAccumulator } from '../src/optim/accumulate.ts'
import { castParameters } from '../src/optim/cast-parameters.ts'
import { clipGradNorm } from '../src/optim/clip.ts'
import { LossScale } from '../src/optim/loss-scale.ts'
import { MovingAverage } from '../src/optim/moving-average.ts'
import { adamW } from '../src/optim/adam.ts'
import { sgd } from '../src/optim/sgd.ts'

let reference: Device
let wasm: Device
beforeAll(async () => {
  reference = await requestDevice('reference')
  wasm = await requestDevice('wasm', { threads: 1 })
})

describe('MovingAverage', () => {
  test('follows the weights, in a compiled step, and saves and loads', async () => {
    const parameters = { w: tensor([0, 0]), b: tensor([4]) }
    const average = new MovingAverage(parameters, { decay: 0.75 })
    const optimizer = sgd(parameters, { lr: 1 })
    const step = compile((g: Tensor) => {
      optimizer.step({ w: g, b: tensor([0]) })
      average.update()
      return average.averages.w.sum()
    })
    expect(await step(tensor([-4, -8])).item()).toBe(3)                         // w = [4, 8]: ¼ of it
    expect([...(await average.averages.w.data())]).toEqual([1, 2])
    await step(tensor([0, 0])).item()
    expect([...(await average.averages.w.data())]).toEqual([1.75, 3.5])
    expect(await average.averages.b.item()).toBe(4)
    const other = new MovingAverage(parameters)
    other.load(average.state())
    expect([...(await other.averages.w.data())]).toEqual([1.75, 3.5])
    expect(() => other.load({})).toThrow("load: the saved averages must hold 'w'")
  })
  test('starts from a copy that later updates do not move', async () => {
    const w = tensor([1])
    const average = new MovingAverage({ w })
    w.write(Float32Array.of(5))
    expect(await average.averages.w.item()).toBe(1)
  })
})

describe('LossScale', () => {
  test('gives the gradients of the loss itself, and grows after good steps', async () => {
    const w = tensor([3])
    const lossScale = new LossScale({ initialScale: 8, growthInterval: 2 })
    const step = compile((x: Tensor) => lossScale.unscale(grad(lossScale.scaled(w.mul(x).sum()), { w })).gradients.w)
    expect(await step(tensor([5])).item()).toBe(5)
    expect(await lossScale.scale.item()).toBe(8)
    expect(await step(tensor([5])).item()).toBe(5)
    expect(await lossScale.scale.item()).toBe(16)
  })
  test.each(['reference', 'wasm'])('skips a step that overflowed, and backs off, on %s', async kind => {
    const device = kind === 'wasm' ? wasm : reference
    const parameters = { w: tensor([1, 2], { device }), b: tensor([[1]], { device }) }
    const optimizer = adamW(parameters, { lr: 0.1 })
    const lossScale = new LossScale({ initialScale: 8, device })
    const step = compile((x: Tensor) => {
      const { gradients, finite } = lossScale.unscale(grad(lossScale.scaled(parameters.w.mul(x).sum().add(parameters.b.sum())), parameters))
      optimizer.step(gradients, { when: finite })
      return finite
    })
    expect(await step(tensor([1, Infinity], { device })).item()).toBe(0)
    expect([...(await parameters.w.data())]).toEqual([1, 2])
    expect([await optimizer.steps.item(), await lossScale.scale.item()]).toEqual([0, 4])
    expect(await step(tensor([1, 1], { device })).item()).toBe(1)
    expect((await parameters.w.data())[0]).toBeCloseTo(0.9, 5)
    expect([await optimizer.steps.item(), await lossScale.scale.item()]).toEqual([1, 4])
    const other = new LossScale({ device })
    other.load(lossScale.state())
    expect(await other.scale.item()).toBe(4)
  })
})

describe('LossScale and clipping', () => {
  test('clips in the same pass, to what clipGradNorm gives', async () => {
    const given = { w: tensor([[3, 4]]), b: tensor([12]) }
    const lossScale = new LossScale({ initialScale: 8 })
    const { gradients, norm } = lossScale.unscale({ w: given.w.mul(8), b: given.b.mul(8) }, { maxNorm: 1 })
    const clipped = clipGradNorm(given, 1)
    expect([await norm.item(), await gradients.w.array(), await gradients.b.array()]).toEqual([13, await clipped.gradients.w.array(), await clipped.gradients.b.array()])
  })
  test('counts what it skipped, and never grows to infinity', async () => {
    const lossScale = new LossScale({ initialScale: 2 ** 127, growthInterval: 1, device: wasm })
    for (const value of [1, 1, Infinity]) lossScale.unscale([tensor([value], { device: wasm })])
    expect([await lossScale.scale.item(), await lossScale.skipped.item()]).toEqual([2 ** 126, 1])
  })
  test('a state without it is refused', () => {
    expect(() => new LossScale().load({ scale: tensor(1) })).toThrow(/must hold 'good', got none; was it saved in mixed precision\?/)
  })
})

describe('GradientAccumulator', () => {
  test('four small batches are one of four times the size', async () => {
    const run = async (batches: number[][]): Promise<number[]> => {
      const parameters = { w: tensor([1, 2]) }
      const optimizer = adamW(parameters, { lr: 0.1 })
      const accumulator = new GradientAccumulator(parameters)
      const add = compile((x: Tensor) => accumulator.add(grad(parameters.w.mean().mul(x).sub(1).square().mean(), parameters)))
      const update = compile((count: Tensor) => {
        optimizer.step(accumulator.take(batches.length))
        return count.add(0)
      })
      for (let i = 0; i < 3; i++) {
        for (const batch of batches) add(tensor(batch))
        update(tensor(0))
      }
      return [...(await parameters.w.data())]
    }
    const [small, large] = [await run([[1], [2], [-1], [3]]), await run([[1, 2, -1, 3]])]
    small.forEach((value, i) => expect(value).toBeCloseTo(large[i], 12))
  })
})

describe('GradientAccumulator in mixed precision', () => {
  test('adds scaled gradients of halves up in f32, which are unscaled together', async () => {
    const parameters = { w: tensor([[1, 2], [3, 4]]), b: tensor([0.5, -0.5]) }
    const optimizer = sgd(parameters, { lr: 1 })
    const accumulator = new GradientAccumulator(parameters)
    const lossScale = new LossScale({ initialScale: 1024 })
    const add = compile((x: Tensor) => {
      const half = castParameters(parameters, 'f16')
      accumulator.add(grad(lossScale.scaled(x.to('f16').matmul(half.w).add(half.b).mean()), half))
    })
    const update = compile(() => {
      const { gradients, finite } = lossScale.unscale(accumulator.take(2))
      optimizer.step(gradients, { when: finite })
    })
    for (const x of [[[1, 2]], [[3, -4]]]) add(tensor(x))
    update()
    // d mean / dw = x / 2 in each column, d mean / db = 1 / 2
    expect(await parameters.w.array()).toEqual([[0, 1], [3.5, 4.5]])
    expect(await parameters.b.array()).toEqual([0, -1])
  })
})

describe('findNonFinite', () => {
  test('names the first operation, the element and its operands', async () => {
    const x = tensor([[1, 2], [0, 4]])
    const loss = x.log().mul(x).exp().sum()
    const found = await findNonFinite(loss)
    expect(found).toMatchObject({ operation: 'log', value: -Infinity, at: [1, 0], operands: [0], message: 'log gave -Infinity at [1, 0] of shape (2, 2), from 0' })
  })
  test('finds it in a gradient whose loss is finite', async () => {
    const x = tensor([0, 1])
    const gradient = grad(x.sqrt().sum(), x)
    expect(await findNonFinite([x.sqrt().sum(), gradient])).toMatchObject({ operation: 'div', value: Infinity, at: [0] })
  })
  test('names a tensor that was given with a NaN in it', async () => {
    expect(await findNonFinite(tensor([1, NaN]).mul(2))).toMatchObject({ operation: 'source', at: [1] })
  })
  test('gives null where all is finite, and lets a mask be infinite', async () => {
    const x = tensor([[1, 2], [3, 4]])
    expect(await findNonFinite(scaledDotProductAttention(x.reshape([1, 1, 2, 2]), x.reshape([1, 1, 2, 2]), x.reshape([1, 1, 2, 2])))).toBe(null)
    expect(await findNonFinite(where(x.gt(2), x, -Infinity).softmax(1).sum())).toMatchObject({ value: NaN })
    expect(await findNonFinite(where(x.gt(1), x, -Infinity).softmax(1).sum())).toBe(null)
  })
  test('searches on wasm as on the reference', async () => {
    const x = tensor([1000], { device: wasm })
    expect(await findNonFinite(x.exp().mul(0).sum())).toMatchObject({ operation: 'exp', value: Infinity })
  })
})
