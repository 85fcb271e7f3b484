import { beforeAll, describe, expect, test } from 'vitest'
import { compile, dropout, RandomStream, requestDevice, scaledDotProductAttention, tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { orderNodes } from '@abovo/tensor-webgpu/graph'
import { checkpoint } from '../src/checkpoint.ts'
import { customGradient } from '../src/custom-gradient.ts'
import { grad } from '../src/grad.ts'
import { gradcheck, gradgradcheck } from '../src/gradcheck.ts'

let reference: Device
let wasm: Device
beforeAll(async () => {
  reference = await requestDevice('reference')
  wasm = await requestDevice('wasm', { threads: 1 })
})

const random = new RandomStream(3)
const filled = (shape: number[], device = reference): Tensor => tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform() - 0.5), { shape, device })

describe('checkpoint', () => {
  test('gives the same gradients, of arguments and of what is captured', async () => {
    const [w1, w2, x] = [filled([3, 5]), filled([5, 3]), filled([2, 3])]
    const block = (h: Tensor): Tensor => h.add(h.matmul(w1).gelu().matmul(w2).softmax(-1))
    const plain = grad(block(block(x)).square().sum(), [x, w1, w2])
    const kept = checkpoint(block)
    const recomputed = grad(kept(kept(x)).square().sum(), [x, w1, w2])
    for (const i of [0, 1, 2]) expect([...(await recomputed[i].data())]).toEqual([...(await plain[i].data())])
  })
  test('passes gradcheck and gradgradcheck, through attention and dropout too', async () => {
    const block = checkpoint((q: Tensor) => dropout(scaledDotProductAttention(q, q.tanh(), q.exp(), { causal: true }), { p: 0.3, seed: 1 }).exp())
    await gradcheck(block, [filled([1, 1, 3, 2])])
    await gradgradcheck(block, [filled([1, 1, 3, 2])])
  })
  test('takes and gives several tensors, and nests', async () => {
    const inner = checkpoint((a: Tensor, b: Tensor) => ({ sum: a.add(b).exp(), product: a.mul(b).tanh() }))
    const outer = checkpoint((a: Tensor, b: Tensor) => {
      const { sum, product } = inner(a.mul(2), b)
      return [sum.mul(product).sin(), sum]
    })
    await gradcheck(outer, [filled([3]), filled([3])])
    await gradgradcheck(outer, [filled([3]), filled([3])])
  })
  test('holds functions with a gradient of their own', async () => {
    const cube = customGradient((x: Tensor) => x.mul(x).mul(x), ({ inputs: [x], gradient }) => [gradient.mul(x.square()).mul(3)])
    const block = checkpoint((x: Tensor) => cube(x.exp()).sin())
    await gradcheck(block, [filled([3])])
    await gradgradcheck(block, [filled([3])])
  })
  test('computes forward nodes twice: once for the result, once for the gradient', () => {
    const [w, x] = [filled([3, 3]), filled([2, 3])]
    const block = (h: Tensor): Tensor => h.matmul(w).tanh()
    const count = (f: (h: Tensor) => Tensor): number => {
      const loss = f(f(x)).sum()
      return orderNodes([loss, grad(loss, w)].map(t => t.node), () => false).filter(node => node.operation.kind === 'matmul').length
    }
    expect(count(checkpoint(block)) - count(block)).toBe(2)
  })
  test('lowers the peak of a compiled step', async () => {
    const weights = Array.from({ length: 8 }, () => [filled([16, 64], wasm), filled([64, 16], wasm)])
    const x = filled([256, 16], wasm)
    const peak = async (wrap: (fn: (h: Tensor) => Tensor) => (h: Tensor) => Tensor): Promise<{ bytes: number; values: number[] }> => {
      const step = compile((input: Tensor) => {
        const out = weights.reduce((h, [up, down]) => wrap(y => y.add(y.matmul(up).gelu().tanh().matmul(down)))(h), input)
        return grad(out.square().mean(), weights.flat())
      })
      const before = wasm.counts.liveBytes
      const gradients = step(x)
      const bytes = wasm.counts.liveBytes - before
      const values = [...(await gradients[0].data())]
      step.dispose()
      return { bytes, values }
    }
    const plain = await peak(fn => fn)
    const recomputed = await peak(checkpoint)
    expect(recomputed.values).toEqual(plain.values)
    expect(recomputed.bytes).toBeLessThan(plain.bytes * 0.6)
  })
})
