import { beforeAll, describe, expect, test } from 'vitest'
import { compile, requestDevice, tensor, type Tensor } from '@abovo/tensor-webgpu'
import { grad } from '../src/grad.ts'
import { adafactor } from '../src/optim/adafactor.ts'
import { adagrad } from '../src/optim/adagrad.ts'
import { adam, adamW } from '../src/optim/adam.ts'
import { clipGradNorm, clipGradValue } from '../src/optim/clip.ts'
import { lion } from '../src/optim/lion.ts'
import { muon } from '../src/optim/muon.ts'
import type { Optimizer } from '../src/optim/optimizer.ts'
import { rmsprop } from '../src/optim/rmsprop.ts'
import { warmupCosineSchedule } from '../src/optim/schedule.ts'
import { sgd } from '../src/optim/sgd.ts'
import { maxDifference } from './golden.ts'

beforeAll(() => requestDevice('reference'))

type Parameters = { W: Tensor; v: Tensor }
const fresh = (): Parameters => ({ W: tensor([[0.1, -0.2], [0.3, 0.4], [-0.5, 0.6]]), v: tensor([1, -2, 0.5]) })
const lossOf = ({ W, v }: Parameters): Tensor => {
  const A = tensor([[1, 0.5, -1], [0, 2, 1.5], [-0.5, 1, 0.25], [2, -1, 0]])
  const B = tensor([[1, 2], [0, -1], [0.5, 0.5], [-2, 1]])
  return A.matmul(W).sub(B).square().sum().add(v.pow(4).sum())
}

// Five steps on Σ(A·W − B)² + Σv⁴ in float64 by torch.optim 2.13: [W, v]. Muon updates W alone, with torch's iteration run in float64.
const torch: Record<string, [make: (parameters: Parameters) => Optimizer<Parameters>, W: number[], v: number[]]> = {
  'sgd, damped': [p => sgd(p, { lr: 0.01, momentum: 0.9, dampening: 0.3, weightDecay: 0.1 }), [-0.507804494544225, 0.7541592641956727, 0.6957416871006935, -0.40441090654336126, -0.5579624507452647, -0.48859942089725245], [0.6464195297638774, -0.03775685083202292, 0.4456436660008752]],
  'sgd, maximize': [p => sgd(p, { lr: 0.001, maximize: true }), [0.13839463580342518, -0.26489023096553754, 0.27199936393565666, 0.46330349385744596, -0.5011727022202769, 0.6687412698919402], [1.0204917936258058, -2.1769849100591645, 0.5025150905254332]],
  'adam, L2': [p => adam(p, { lr: 0.05, weightDecay: 0.1, amsgrad: true }), [-0.1462556894917486, 0.047805569142527995, 0.541827992391986, 0.15344404176663068, -0.5972484243327116, 0.3516274374118909], [0.7558295645002113, -1.7522836180841534, 0.2651865270212618]],
  'rmsprop, centered with momentum': [p => rmsprop(p, { lr: 0.01, centered: true, momentum: 0.9, weightDecay: 0.05 }), [-0.6476535682848411, 0.6250374036542324, 0.8569519969102963, -0.355600580318477, -0.870640160457163, -0.25862594839646835], [0.2576944952643038, -1.1570801920359515, -0.11697635387968276]],
  'adagrad, decaying': [p => adagrad(p, { lr: 0.1, lrDecay: 0.1, initialAccumulatorValue: 0.2, weightDecay: 0.05 }), [-0.15335887622773517, 0.06172534015575675, 0.5358543077591518, 0.14771289865756762, -0.662403681516632, 0.3335516734385077], [0.7605709466610477, -1.7384827506586558, 0.3256265724518772]],
  adafactor: [p => adafactor(p, { lr: 0.05, weightDecay: 0.1 }), [-0.01974109190760325, -0.11121257869800276, 0.3836138248463552, 0.30206138880194827, -0.49144486809292315, 0.48789364542399205], [0.7256384498261294, -1.6778124518158213, 0.2804188895475721]],
}
const muons: Record<string, [make: (parameters: { W: Tensor }) => Optimizer<{ W: Tensor }>, W: number[]]> = {
  muon: [p => muon(p, { lr: 0.05 }), [-0.05532438845804682, -0.10337813397031499, 0.3785011976326536, 0.28854908169350146, -0.6145418002167532, 0.41191620859294026]],
  'muon, matching AdamW': [p => muon(p, { lr: 0.05, nesterov: false, weightDecay: 0, adjustLr: 'matchRmsAdamw' }), [0.05561740618838894, -0.17427878009522707, 0.3238004464230737, 0.3703656067625504, -0.536328370911603, 0.5505709865744925]],
}

describe('five steps are torch.optim\'s', () => {
  test.each(Object.keys(torch))('%s', async name => {
    const [make, W, v] = torch[name]
    const parameters = fresh()
    const optimizer = make(parameters)
    for (let i = 0; i < 5; i++) optimizer.step(grad(lossOf(parameters), parameters))
    expect(maxDifference(await parameters.W.data(), W)).toBeLessThan(1e-12)
    expect(maxDifference(await parameters.v.data(), v)).toBeLessThan(1e-12)
  })
  test.each(Object.keys(muons))('%s', async name => {
    const [make, W] = muons[name]
    const parameters = fresh()
    const optimizer = make({ W: parameters.W })
    for (let i = 0; i < 5; i++) optimizer.step({ W: grad(lossOf(parameters), parameters.W) })
    expect(maxDifference(await parameters.W.data(), W)).toBeLessThan(1e-12)
  })
})

describe('lion', () => {
  test('moves by the sign of the interpolated momentum', async () => {
    const w = tensor([1, -1, 0])
    const optimizer = lion({ w }, { lr: 0.1, betas: [0.5, 0.5], weightDecay: 0.1, decay: 'all' })
    optimizer.step({ w: tensor([2, 3, 0]) })                                    // w −= 0.1·(sign(½g) + 0.1·w)
    expect(maxDifference(await w.data(), [0.89, -1.09, 0])).toBeLessThan(1e-12)
    optimizer.step({ w: tensor([-4, 1, 0]) })                                   // m = ½g₁ = [1, 1.5, 0]
    expect(maxDifference(await w.data(), [0.89 + 0.1 - 0.0089, -1.09 - 0.1 + 0.0109, 0])).toBeLessThan(1e-12)
  })
})

describe('Optimizer', () => {
  test('decays matrices alone unless told otherwise', async () => {
    const run = async (decay?: 'all'): Promise<number[]> => {
      const p = { w: tensor([[1]]), b: tensor([1]) }
      adamW(p, { lr: 0.1, weightDecay: 0.5, ...(decay && { decay }) }).step({ w: tensor([[0]]), b: tensor([0]) })
      return [await p.w.item(), await p.b.item()]
    }
    expect(await run()).toEqual([0.95, 1])
    expect(await run('all')).toEqual([0.95, 0.95])
  })
  test('goes on exactly from a saved state', async () => {
    const [a, b] = [fresh(), fresh()]
    const first = adamW(a, { lr: 0.05 })
    for (let i = 0; i < 3; i++) first.step(grad(lossOf(a), a))
    const saved = Object.fromEntries(await Promise.all(Object.entries(first.state()).map(async ([name, value]) => [name, tensor(await value.data(), { shape: value.shape })] as const)))
    expect(Object.keys(saved)).toEqual(['step', 'expAvg.W', 'expAvgSq.W', 'expAvg.v', 'expAvgSq.v'])
    b.W.write(await a.W.data())
    b.v.write(await a.v.data())
    const second = adamW(b, { lr: 0.05 })
    second.load(saved)
    for (const [optimizer, p] of [[first, a], [second, b]] as const) optimizer.step(grad(lossOf(p), p))
    expect([...(await b.W.data())]).toEqual([...(await a.W.data())])
    expect(() => second.load({})).toThrow("load: the saved state must hold 'step'")
  })
  test('follows a schedule in a compiled step, from the step count in the plan', async () => {
    const lr = warmupCosineSchedule({ lr: 1, warmupSteps: 2, steps: 6 })
    const w = tensor([0])
    const optimizer = sgd({ w }, { lr })
    const step = compile((g: Tensor) => {
      optimizer.step({ w: g })
      return w.sum()
    })
    let total = 0
    for (let i = 0; i < 6; i++) {
      total -= lr(i)
      expect(await step(tensor([1])).item()).toBeCloseTo(total, 12)
    }
  })
  test('changes its learning rate without compiling again', async () => {
    const w = tensor([0])
    const optimizer = sgd({ w }, { lr: 1 })
    let traces = 0
    const step = compile((g: Tensor) => {
      traces++
      optimizer.step({ w: g })
      return w.sum()
    })
    await step(tensor([1])).item()
    optimizer.setLearningRate(0.25)
    expect(await step(tensor([1])).item()).toBe(-1.25)
    expect(traces).toBe(1)
  })
  test('refuses gradients of another tree or shape', () => {
    const optimizer = sgd(fresh())
    expect(() => optimizer.step({ W: tensor([1]), v: tensor([1, 2, 3]) })).toThrow("got 'W' (1) for 'W' (3, 2)")
    expect(() => muon(fresh())).toThrow("muon: parameters must be matrices, got 'v' of shape (3)")
  })
})

describe('clipping', () => {
  test('scales to the norm, and leaves small gradients alone', async () => {
    const { gradients, norm } = clipGradNorm({ a: tensor([3]), b: [tensor([4])] }, 1)
    expect(await norm.item()).toBe(5)
    expect(await gradients.a.item()).toBeCloseTo(0.6, 6)
    const small = clipGradNorm([tensor([0.3]), tensor([0.4])], 1)
    expect(await small.gradients[1].item()).toBeCloseTo(0.4, 12)
  })
  test('bounds values', async () => {
    expect([...(await clipGradValue({ a: tensor([-3, 0.5, 2]) }, 1).a.data())]).toEqual([-1, 0.5, 1])
  })
})
