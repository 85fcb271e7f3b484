import { beforeAll, describe, expect, test } from 'vitest'
import { compile, requestDevice, tensor, type Tensor } from '@abovo/tensor-webgpu'
import { customGradient } from '../src/custom-gradient.ts'
import { jvp } from '../src/directional.ts'
import { grad } from '../src/grad.ts'
import { gradcheck, gradgradcheck } from '../src/gradcheck.ts'

beforeAll(() => requestDevice('reference'))

describe('customGradient', () => {
  const roundStraightThrough = customGradient((x: Tensor) => x.round(), ({ gradient }) => [gradient])
  const cube = customGradient((x: Tensor) => x.mul(x).mul(x), ({ inputs: [x], gradient }) => [gradient.mul(x).mul(x).mul(3)])
  const sumAndProduct = customGradient(
    (a: Tensor, b: Tensor) => ({ sum: a.add(b), product: a.mul(b) }),
    ({ inputs: [a, b], gradient: { sum, product } }) => [sum.add(product.mul(b)), sum.add(product.mul(a))],
  )

  test('replaces the derivative of what is inside', async () => {
    const x = tensor([1.4, 2.6])
    expect([...(await roundStraightThrough(x).data())]).toEqual([1, 3])
    expect([...(await grad(roundStraightThrough(x).mul(2).sum(), x).data())]).toEqual([2, 2])
    expect([...(await grad(x.round().mul(2).sum(), x).data())]).toEqual([0, 0])
  })
  test('leaves the argument\'s other uses alone', async () => {
    const same = customGradient((x: Tensor) => x, ({ gradient }) => [gradient.mul(10)])
    const x = tensor([3])
    expect(await grad(same(x).add(x.square()).sum(), x).item()).toBe(16)
  })
  test('has higher derivatives, forwards too, when backward has', async () => {
    await gradcheck(cube, [tensor([1, -2])])
    await gradgradcheck(cube, [tensor([1, -2])])
    const x = tensor([1, -2])
    expect([...(await jvp(cube(x), x, tensor([1, 1])).data())]).toEqual([3, 12])
  })
  test('takes several arguments and gives several results, of which some are not used', async () => {
    await gradcheck((a, b) => sumAndProduct(a, b), [tensor([1, 2]), tensor([3, 5])])
    const [a, b] = [tensor([1, 2]), tensor([3, 5])]
    expect([...(await grad(sumAndProduct(a, b).product.sum(), a).data())]).toEqual([3, 5])
  })
  test('gives no gradient to null', async () => {
    const first = customGradient((a: Tensor, b: Tensor) => a.add(b), ({ gradient }) => [gradient, null])
    const [a, b] = [tensor([1]), tensor([2])]
    const [da, db] = grad(first(a, b).sum(), [a, b])
    expect([await da.item(), await db.item()]).toEqual([1, 0])
  })
  test('works inside a compiled function', async () => {
    const step = compile((x: Tensor) => grad(roundStraightThrough(x.mul(3)).sum(), x))
    expect([...(await step(tensor([1, 2])).data())]).toEqual([3, 3])
  })
  test('refuses a gradient of the wrong shape', () => {
    const wrong = customGradient((x: Tensor) => x.mul(2), ({ gradient }) => [gradient.sum()])
    const x = tensor([1, 2])
    expect(() => grad(wrong(x).sum(), x)).toThrow('customGradient: the gradient of argument 0 must be f32 of shape (2), got f32 of shape ()')
  })
})
