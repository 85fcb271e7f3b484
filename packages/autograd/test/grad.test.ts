import { beforeAll, describe, expect, test } from 'vitest'
import { compile, concat, requestDevice, scaledDotProductAttention, tensor, Tensor, zeros, type Device } from '@abovo/tensor-webgpu'
import { build, orderNodes } from '@abovo/tensor-webgpu/graph'
import { grad } from '../src/grad.ts'

let device: Device
beforeAll(async () => {
  device = await requestDevice('reference')
})
const countNodes = (...tensors: Tensor[]): number => orderNodes(tensors.map(t => t.node), () => false).length

describe('grad', () => {
  test('gives 2x for the sum of x squared', async () => {
    const x = tensor([1, 2, 3])
    expect([...(await grad(x.mul(x).sum(), x).data())]).toEqual([2, 4, 6])
  })

  test('keeps the tree it was asked for', async () => {
    const parameters = { layers: [{ weight: tensor([[1, 2], [3, 4]]) }], scale: tensor(3) }
    const x = tensor([[1, 1]])
    const gradients = grad(x.matmul(parameters.layers[0].weight).mul(parameters.scale).sum(), parameters)
    expect(await gradients.layers[0].weight.array()).toEqual([[3, 3], [3, 3]])
    expect(await gradients.scale.item()).toBe(10)
  })

  test('differentiates by an intermediate result and by a leaf under it', async () => {
    const x = tensor([1, 2])
    const y = x.mul(3)
    const [dx, dy] = grad(y.mul(y).sum(), [x, y])
    expect([...(await dy.data())]).toEqual([6, 12])
    expect([...(await dx.data())]).toEqual([18, 36])
  })

  test('differentiates by the result of attention', async () => {
    const q = tensor([[[[1, 2], [3, 4]]]])
    const out = scaledDotProductAttention(q, q, q)
    expect([...(await grad(out.sum(), out).data())]).toEqual([1, 1, 1, 1])
  })

  test('is differentiated again by calling it again', async () => {
    const x = tensor([2, -1])
    const first = grad(x.pow(3).sum(), x)
    const second = grad(first.sum(), x)
    const third = grad(second.sum(), x)
    expect([...(await second.data())]).toEqual([12, -6])
    expect([...(await third.data())]).toEqual([6, 6])
  })

  test('differentiates a loss that was read before', async () => {
    const x = tensor([1, 2])
    const loss = x.mul(x).sum()
    expect(await loss.item()).toBe(5)
    expect([...(await grad(loss, x).data())]).toEqual([2, 4])
  })

  test('lets nothing through stopGradient', async () => {
    const x = tensor([3])
    expect(await grad(x.mul(x.stopGradient()).sum(), x).item()).toBe(3)
    expect(() => grad(x.stopGradient().sum(), x)).toThrow('must depend on every tensor')
  })

  test('gives zeros where a step function is flat', async () => {
    const x = tensor([1.5])
    expect(await grad(x.floor().sum(), x).item()).toBe(0)
  })

  test('survives a chain of 100,000 nodes', async () => {
    const x = tensor(0.5)
    let y = x
    for (let i = 0; i < 100_000; i++) y = y.add(x.sin())
    expect(await grad(y, x).item()).toBeCloseTo(1 + 100_000 * Math.cos(0.5), 4)
  })

  test('works inside a compiled function', async () => {
    const w = tensor([1, 2])
    const step = compile((x: Tensor) => {
      const loss = w.mul(x).square().sum()
      w.assign(w.sub(grad(loss, w).mul(0.1)))
      return loss
    })
    expect(await step(tensor([1, 1])).item()).toBe(5)
    expect([...(await w.data())]).toEqual([0.8, 1.6])
  })
})

describe('the graph of a gradient', () => {
  test('undoes broadcasting with one reduction', () => {
    const bias = tensor([1, 2])
    const x = zeros([5, 4, 2]).add(tensor([0.5]))
    const added = countNodes(grad(x.mul(bias).sum(), bias))
    expect(added).toBeLessThanOrEqual(7)
  })

  test('folds the batch of a shared weight into one matmul', () => {
    const weight = tensor([[1, 2], [3, 4]])
    const x = new Tensor(build.source([5, 3, 2], 'f32', device))
    const dw = grad(x.matmul(weight).square().sum(), weight)
    const matmuls = orderNodes([dw.node], () => false).filter(node => node.operation.kind === 'matmul')
    expect(matmuls.map(node => node.shape)).toEqual([[5, 3, 2], [2, 2]])
  })

  test('lays the gradients of pieces end to end instead of adding padded ones', async () => {
    const x = tensor([[1, 2, 3, 4, 5, 6]])
    const [a, b, c] = x.split(2, 1)
    const dx = grad(concat([a.mul(b), c.mul(2)], 1).sum(), x)
    expect(dx.node.operation.kind).toBe('concat')
    expect(await dx.array()).toEqual([[3, 4, 1, 2, 2, 2]])
    const gap = grad(a.mul(c).sum(), x)
    expect(await gap.array()).toEqual([[5, 6, 0, 0, 1, 2]])
  })

  test('of a step is not built for what the loss reaches without wrt', () => {
    const x = tensor([1, 2])
    const w = tensor([3, 4])
    expect(countNodes(grad(x.exp().sin().mul(w).sum(), w))).toBe(3)
  })
})

describe('grad refuses', () => {
  test('a loss with several elements', () => {
    const x = tensor([1, 2])
    expect(() => grad(x.mul(2), x)).toThrow('grad: the loss must have one element, got shape (2); reduce it with sum() or mean(), or give a direction with vjp')
  })
  test('a tensor the loss does not depend on, unless allowed', async () => {
    const x = tensor([1, 2])
    const loss = x.sum()
    expect(() => grad(loss, { x, y: tensor([1]) })).toThrow("got none on the one 'y' of shape (1)")
    expect(await grad(loss, { x, y: tensor([1]) }, { allowUnused: true }).y.item()).toBe(0)
  })
  test('integers', () => {
    const x = tensor(Int32Array.of(1, 2))
    expect(() => grad(x.to('f32').sum(), x)).toThrow('must be float, got i32')
    expect(() => grad(x.sum(), x)).toThrow('must be float, got i32')
  })
  test('a graph whose values were overwritten', () => {
    const w = tensor([1, 2])
    const loss = w.square().sum()
    const v = w.mul(2)
    compile((x: Tensor) => w.assign(w.add(x)).sum())(tensor([1, 1]))
    expect(() => grad(loss, v, { allowUnused: true })).toThrow('updated in place')
  })
})

test('a view between two views has a gradient of its own', async () => {
  const device = await requestDevice('reference')
  const x = tensor([[1, 2, 3], [4, 5, 6]], { device })
  for (const [between, after] of [[x.reshape([3, 2]), (t: Tensor) => t.reshape([6])], [x.permute([1, 0]), (t: Tensor) => t.permute([1, 0])], [x.unsqueeze(0).expand([2, 2, 3]), (t: Tensor) => t.expand([2, 2, 3])]] as const) {
    const gradient = grad(after(between).square().sum(), between)
    expect(await gradient.array()).toEqual(await between.mul(2).array())
  }
})
