import { beforeAll, describe, expect, test } from 'vitest'
import { compile, requestDevice, scaledDotProductAttention, tensor, type Tensor } from '@abovo/tensor-webgpu'
import { orderNodes } from '@abovo/tensor-webgpu/graph'
import { hessianVectorProduct, jvp, valueAndGrad, vjp } from '../src/directional.ts'
import { grad } from '../src/grad.ts'
import { maxDifference } from './golden.ts'

beforeAll(() => requestDevice('reference'))

describe('valueAndGrad', () => {
  test('gives the loss and the gradients of the first argument', async () => {
    const lossOf = valueAndGrad((parameters: { w: Tensor; b: Tensor }, x: Tensor) => parameters.w.mul(x).add(parameters.b).square().sum())
    const [loss, gradients] = lossOf({ w: tensor([1, 2]), b: tensor(1) }, tensor([3, 4]))
    expect(await loss.item()).toBe(16 + 81)
    expect([...(await gradients.w.data())]).toEqual([24, 72])
    expect(await gradients.b.item()).toBe(26)
  })
})

describe('vjp', () => {
  test('weights the rows of the Jacobian', async () => {
    const x = tensor([1, 2])
    expect([...(await vjp(x.square(), x, tensor([1, 10])).data())]).toEqual([2, 40])
  })
  test('takes trees of outputs', async () => {
    const x = tensor([1, 2])
    const direction = { a: tensor([1, 1]), b: [tensor(3)] }
    expect([...(await vjp({ a: x.square(), b: [x.sum()] }, x, direction).data())]).toEqual([5, 7])
  })
  test('refuses a direction of another shape', () => {
    const x = tensor([1, 2])
    expect(() => vjp(x, x, tensor(1))).toThrow('vjp: the direction must have shape (2), got ()')
  })
})

describe('jvp', () => {
  test('is the difference along the direction', async () => {
    const x = tensor([0.3, -1.2, 0.7])
    const v = tensor([1, 0.5, -2])
    const f = (at: Tensor): Tensor => at.softmax(-1).mul(at.tanh())
    const h = 1e-6
    const numeric = f(x.add(v.mul(h))).sub(f(x.sub(v.mul(h)))).div(2 * h)
    expect(maxDifference(await jvp(f(x), x, v).data(), await numeric.data())).toBeLessThan(1e-9)
  })
  test('computes nothing of the backward pass it comes from', () => {
    const x = tensor([1, 2])
    const nodes = orderNodes([jvp(x.exp().sin(), x, tensor([1, 1])).node], () => false)
    expect(nodes.length).toBeLessThanOrEqual(8)
  })
  test('goes through attention', async () => {
    const q = tensor([[[[0.1, 0.2], [0.3, -0.4]]]])
    const v = tensor([[[[1, 0], [0, 1]]]])
    const f = (at: Tensor): Tensor => scaledDotProductAttention(at, at.mul(2), at.add(1), { causal: true })
    const h = 1e-6
    const numeric = f(q.add(v.mul(h))).sub(f(q.sub(v.mul(h)))).div(2 * h)
    expect(maxDifference(await jvp(f(q), q, v).data(), await numeric.data())).toBeLessThan(1e-9)
  })
  test('is zero where the function is flat', async () => {
    const x = tensor([1.5])
    expect(await jvp(x.floor(), x, tensor([1])).item()).toBe(0)
  })
})

describe('hessianVectorProduct', () => {
  test('is the Hessian times the vector', async () => {
    const x = tensor([1, 2])
    const loss = x.slice([0]).square().mul(x.slice([1])).add(x.slice([1]).pow(3))     // x₀²x₁ + x₁³: H = [[2x₁, 2x₀], [2x₀, 6x₁]]
    expect([...(await hessianVectorProduct(loss, x, tensor([1, 10])).data())]).toEqual([24, 122])
  })
  test('is zero for a linear loss', async () => {
    const x = tensor([1, 2])
    expect([...(await hessianVectorProduct(x.sum(), x, tensor([1, 1])).data())]).toEqual([0, 0])
  })
  test('works in a compiled function', async () => {
    const product = compile((x: Tensor, v: Tensor) => hessianVectorProduct(x.pow(3).sum(), x, v))
    expect([...(await product(tensor([1, 2]), tensor([1, 1])).data())]).toEqual([6, 12])
  })
})

test('orders can be mixed: the gradient of a squared gradient norm', async () => {
  const x = tensor([1, 2])
  const first = grad(x.pow(3).sum(), x)
  const penalty = first.square().sum()                                                // Σ 9x⁴
  expect([...(await grad(penalty, x).data())]).toEqual([36, 288])
})
