import { beforeAll, describe, expect, test } from 'vitest'
import { requestDevice, scaledDotProductAttention, tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { scalarFunctions } from '@abovo/tensor-webgpu/graph'
import { grad } from '../src/grad.ts'
import { gradcheck, gradgradcheck } from '../src/gradcheck.ts'
import { compositeCases, elementwiseCases, primitiveCases, samplesOf } from './gradcheck-cases.ts'

let device: Device
beforeAll(async () => {
  device = await requestDevice('reference')
})

describe.each([
  ['elementwise functions', elementwiseCases],
  ['primitive operations', primitiveCases],
  ['composite operations', compositeCases],
])('%s', (_, cases) => {
  test.each(cases.map(one => [one.name, one] as const))('%s: first derivative', async (name, one) => {
    await gradcheck(one.fn, samplesOf(one, device), { name })
  })
  test.each(cases.map(one => [one.name, one] as const))('%s: second derivative', async (name, one) => {
    await gradgradcheck(one.fn, samplesOf(one, device), { name })
  })
})

test('every elementwise function with a float result is in the table', () => {
  const float = Object.entries(scalarFunctions).flatMap(([name, { result }]) => (result === 'same' && !/^(bit|shift)/.test(name) ? name : []))
  expect(float.filter(name => name !== 'where').sort()).toEqual(elementwiseCases.map(one => one.name).sort())
})

describe('at kinks and ties the gradient is PyTorch\'s', () => {
  const gradientOf = async (fn: (x: Tensor) => Tensor, values: number[]): Promise<number[]> => {
    const x = tensor(values)
    return [...(await grad(fn(x).sum(), x).data())]
  }
  // Values of torch 2.13: torch.autograd.grad(fn(x).sum(), x).
  test('maximum shares a tie', async () => expect(await gradientOf(x => x.maximum(tensor([1, 1, 1])), [0, 1, 2])).toEqual([0, 0.5, 1]))
  test('amax shares a tie among all', async () => expect(await gradientOf(x => x.max(), [3, 1, 3, 3])).toEqual([1 / 3, 0, 1 / 3, 1 / 3]))
  test('relu gives 0 at 0', async () => expect(await gradientOf(x => x.relu(), [-1, 0, 1])).toEqual([0, 0, 1]))
  test('clamp gives 1 at its bounds', async () => expect(await gradientOf(x => x.clamp({ min: -1, max: 1 }), [-2, -1, 0, 1, 2])).toEqual([0, 1, 1, 1, 0]))
  test('abs gives 0 at 0', async () => expect(await gradientOf(x => x.abs(), [-1, 0, 2])).toEqual([-1, 0, 1]))
  test('softplus gives 1/2 at 0', async () => expect(await gradientOf(x => x.softplus(), [0])).toEqual([0.5]))
  test('pow gives 0 at 0 for exponents 0 and 2', async () => {
    expect(await gradientOf(x => x.pow(tensor([0, 2, 1])), [0, 0, 0])).toEqual([0, 0, 1])
    const base = tensor([0, 2])
    expect([...(await gradientOf(x => base.pow(x), [1, 1]))]).toEqual([0, 2 * Math.log(2)])
  })
  test('prod with one zero and with two', async () => {
    expect(await gradientOf(x => x.prod(), [2, 0, 3])).toEqual([0, 6, 0])
    expect(await gradientOf(x => x.prod(), [2, 0, 0])).toEqual([0, 0, 0])
    expect(await gradientOf(x => x.prod(), [5])).toEqual([1])
  })
  test('a row that attends to nothing has no gradient', async () => {
    const q = tensor([[[[1, 2], [3, 4]]]])
    const mask = tensor([[1, 1], [0, 0]], { dtype: 'bool' })
    expect(await grad(scaledDotProductAttention(q, q.stopGradient(), q.stopGradient(), { mask }).square().sum(), q).slice([0, 0, 1]).array()).toEqual([0, 0])
  })
})

describe('empty tensors', () => {
  test('have empty gradients', async () => {
    const x = tensor([], { shape: [0, 3] })
    const w = tensor([[1], [2], [3]])
    const [dx, dw] = grad(x.matmul(w).sum(), [x, w])
    expect(dx.shape).toEqual([0, 3])
    expect(await dw.array()).toEqual([[0], [0], [0]])
    expect([...(await grad(x.slice([{ step: -1 }]).sum(), x).data())]).toEqual([])
  })
})

describe('gradcheck', () => {
  test('names the function, the element and both values where they disagree', async () => {
    const wrong = (x: Tensor): Tensor => x.mul(x.stopGradient())
    await expect(gradcheck(wrong, [tensor([1, 3])], { name: 'half square' })).rejects.toThrow(/gradients of half square must agree, got 1 \(analytic\) and 2\.0\d* \(numeric\) for element 0 of output 0 by element 0 of input 0/)
  })
})
