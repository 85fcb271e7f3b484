import { compile, crossEntropy, requestDevice, tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { beforeAll, describe, expect, test } from 'vitest'
import { grad } from '../src/grad.ts'
import { gradcheck } from '../src/gradcheck.ts'
import { linearCrossEntropy, type LinearCrossEntropyOptions } from '../src/linear-cross-entropy.ts'
import { adamW } from '../src/optim/adam.ts'

let reference: Device
let wasm: Device
beforeAll(async () => {
  reference = await requestDevice('reference')
  wasm = await requestDevice('wasm', { threads: 1 })
})

const wave = (shape: number[], speed: number, device: Device): Tensor => tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * speed)), { shape, device })

const operands = (device: Device): { hidden: Tensor; weight: Tensor; targets: Tensor } => ({
  hidden: wave([2, 11, 6], 0.7, device),
  weight: wave([13, 6], 1.3, device),
  targets: tensor(Int32Array.from({ length: 22 }, (_, i) => (i % 5 === 2 ? -100 : (i * 7) % 13)), { shape: [2, 11], device }),
})

const largestGap = async (a: Tensor, b: Tensor): Promise<number> => {
  const [x, y] = [await a.data(), await b.data()]
  return Math.max(...Array.from(x, (value, i) => Math.abs(value - y[i])))
}

describe.each(['reference', 'wasm'])('linear cross-entropy on %s', kind => {
  const device = (): Device => (kind === 'wasm' ? wasm : reference)
  const cases: LinearCrossEntropyOptions[] = [{}, { reduction: 'sum' }, { labelSmoothing: 0.2 }, { ignoreIndex: 7, reduction: 'sum', labelSmoothing: 0.1 }]

  test.each(cases)('in chunks is the plain loss with the plain gradients, %j', async options => {
    const { hidden, weight, targets } = operands(device())
    const known = options.ignoreIndex === undefined ? targets : targets.clamp({ min: 0 })
    const plain = crossEntropy(hidden.matmul(weight.transpose()), known, options)
    const [dHidden, dWeight] = grad(plain, [hidden, weight])
    for (const chunk of [1, 4, 11, 22, 100]) {
      const loss = linearCrossEntropy(hidden, weight, known, { ...options, chunk })
      const [chunkedHidden, chunkedWeight] = grad(loss, [hidden, weight])
      expect(await largestGap(loss, plain)).toBeLessThan(1e-6 * (await plain.item()))
      expect(await largestGap(chunkedHidden, dHidden)).toBeLessThan(1e-6)
      expect(await largestGap(chunkedWeight, dWeight)).toBeLessThan(options.reduction === 'sum' ? 1e-5 : 1e-6)
    }
  })

  test('without gradients is the same number', async () => {
    const { hidden, weight, targets } = operands(device())
    expect(await linearCrossEntropy(hidden, weight, targets, { chunk: 4, gradients: false }).item()).toBeCloseTo(await crossEntropy(hidden.matmul(weight.transpose()), targets).item(), 6)
  })

  test('scales its gradients by what arrives', async () => {
    const { hidden, weight, targets } = operands(device())
    const once = grad(linearCrossEntropy(hidden, weight, targets, { chunk: 5 }), hidden)
    const thrice = grad(linearCrossEntropy(hidden, weight, targets, { chunk: 5 }).mul(3), hidden)
    expect(await largestGap(thrice, once.mul(3))).toBeLessThan(1e-6)
  })
})

test('the gradient of linear cross-entropy agrees with differences, chunk by chunk', async () => {
  const { hidden, weight, targets } = operands(reference)
  await gradcheck((h: Tensor, w: Tensor) => linearCrossEntropy(h, w, targets, { chunk: 7, labelSmoothing: 0.1 }), [hidden, weight])
})

test('linear cross-entropy names the shapes it was given', () => {
  const { hidden, weight, targets } = operands(reference)
  expect(() => linearCrossEntropy(hidden, weight.transpose(), targets)).toThrow('weight (V, C) and targets (…), got (2, 11, 6), (6, 13) and (2, 11)')
  expect(() => linearCrossEntropy(hidden, weight, targets, { chunk: 0 })).toThrow('chunk must be a positive integer, got 0')
})

test('a training step on linear cross-entropy holds two chunks of logits, never all of them', async () => {
  const device = await requestDevice('wasm', { threads: 1 })
  const [N, C, V, chunk] = [2048, 16, 2000, 256]
  const weights = { mix: wave([C, C], 0.9, device), head: wave([V, C], 0.3, device) }
  const inputs = wave([N, C], 0.1, device)
  const targets = tensor(Int32Array.from({ length: N }, (_, i) => (i * 31) % V), { shape: [N], device })
  const optimizer = adamW(weights, { lr: 0.01 })
  const step = compile((x: Tensor) => {
    const loss = linearCrossEntropy(x.matmul(weights.mix), weights.head, targets, { chunk })
    optimizer.step(grad(loss, weights))
    return loss
  })
  const before = device.counts.liveBytes
  await step(inputs).item()
  const beside = 8 * N * C * 4 + 6 * V * C * 4 + (1 << 20)
  expect(device.counts.peakBytes - before).toBeLessThan(2 * chunk * V * 4 + beside)
  expect(2 * chunk * V * 4 + beside).toBeLessThan(N * V * 4 / 2)
  device.close()
})
