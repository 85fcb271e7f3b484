// f16: half the memory where it works, sums in f32, and a DtypeError with the remedy elsewhere.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inputsAs, operations } from '../../../tooling/operations/src/index.ts'
import { roundToHalf } from '../src/dtype.js'
import { floatFromHalf, halfFromFloat } from '../src/devices/webgpu/host-data.js'
import { compile, crossEntropy, DtypeError, layerNorm, memory, ones, rand, requestDevice, rmsNorm, scaledDotProductAttention, tensor, zeros, type Device, type Tensor } from '../src/index.js'

test('rounding to half agrees with the bits of every half and what lies between', () => {
  for (let bits = 0; bits < 0x7c00; bits += 7) {
    const value = floatFromHalf(bits)
    expect(roundToHalf(value)).toBe(value)
    const between = (value + floatFromHalf(bits + 1)) / 2
    if (Number.isFinite(between)) expect(roundToHalf(between)).toBe(floatFromHalf(halfFromFloat(between)))
  }
  expect([70000, -1e-9, 65519].map(roundToHalf)).toEqual([Infinity, -0, 65504])
})

describe('where f16 does not work it is a DtypeError', () => {
  test.each([(device: Device) => tensor([1], { device }).to('f16'), (device: Device) => tensor([1], { dtype: 'f16', device }), (device: Device) => zeros([2], { dtype: 'f16', device })])('case %#', async make => {
    const device = await requestDevice('wasm', { threads: 1 })
    expect(() => make(device)).toThrow(DtypeError)
    expect(() => make(device)).toThrow(/f16 must work on the device, which it does not on wasm .*; use f32 here/)
    device.close()
  })
})

const rows = operations.filter((operation, i) => operation.dtypes.includes('f16') && operation.inputs[0].dtype === 'f32' && operation.inputs[0].values === undefined && !operation.random
  && operations.findIndex(other => other.name === operation.name) === i && operation.tolerance > 0)
/** One or more of every family of kernels; each more is a shader to compile. */
const sampled = new Set('add mul div pow exp tanh gelu softplus where clamp sum mean max variance logSumExp norm cumsum softmax layerNorm rmsNorm matmul einsum conv1d gather scatterAdd embedding concat slice transpose pad crossEntropy mse scaledDotProductAttention'.split(' '))

describeOnAdapters('f16', ({ gpu, name }) => {
  let device: Device
  let reference: Device
  beforeAll(async () => {
    device = await requestDevice('webgpu', { gpu })
    reference = await requestDevice('reference')
  })
  afterAll(() => device.close())

  test('is there on lavapipe, and a DtypeError on SwiftShader', () => {
    if (name === 'lavapipe') expect(tensor([1], { device }).to('f16').dtype).toBe('f16')
    else expect(() => tensor([1], { device }).to('f16')).toThrow(/use f32 here/)
  })

  test('agrees with the reference, which rounds every result to a half', async () => {
    if (!device.supports('f16')) return
    const checked = rows.filter(({ name: operation }) => sampled.has(operation))
    for (let from = 0; from < checked.length; from += 24) {
      const group = checked.slice(from, from + 24)
      const together = compile((...inputs: Tensor[][]) => inputs.map((own, i) => group[i].run(...own)), { device })
      const results = together(...group.map(operation => inputsAs(operation, 'f16', device)))
      for (const [i, operation] of group.entries()) {
        const wanted = operation.run(...inputsAs(operation, 'f16', reference))
        expect(results[i].dtype, operation.name).toBe(wanted.dtype)
        const [got, want] = [await results[i].data(), await wanted.data()]
        const scale = Math.max(1, ...[...want].map(Math.abs))
        ;[...want].forEach((value, at) => expect(Math.abs(got[at] - value), `${operation.name}: ${operation.torch}, element ${at}: got ${got[at]}, want ${value}`).toBeLessThanOrEqual(scale * 2 ** -8))
      }
      together.dispose()
    }
  }, 60_000)

  test('sums of many halves are exact: they are added in f32', async () => {
    if (!device.supports('f16')) return
    const x = ones([3001], { dtype: 'f16', device })
    expect(await x.sum().item()).toBe(3000)                                     // 3001 rounded to a half
    expect(await x.reshape([1, 3001]).matmul(x.reshape([3001, 1])).item()).toBe(3000)
    expect(await x.mul(0.25).mean().item()).toBeCloseTo(0.25, 3)
  })

  test('a sum cut into kernels holds what halves do not: thousands up and down again are nothing', async () => {
    if (!device.supports('f16')) return
    const x = tensor(Float32Array.from({ length: 2 ** 17 }, (_, i) => (i < 2 ** 16 ? 1000 : -1000)), { device }).to('f16')
    expect(await x.sum().item()).toBe(0)
    expect(await x.abs().mean().item()).toBe(1000)
  })

  test('statistics are f32: the squares of 600 are beyond what a half holds', async () => {
    for (const where of [device, reference]) {
      if (!where.supports('f16')) continue
      const x = tensor([[-600, 0, 300, 600]], { device: where })
      const statistics: ((x: Tensor) => Tensor)[] = [y => layerNorm(y), y => rmsNorm(y), y => y.std(), y => y.norm()]
      const both = statistics.map(fn => [fn(x.to('f16')), fn(x)])
      for (const [half, single] of both) {
        expect(half.dtype).toBe('f16')
        const want = [...(await single.data())]
        ;[...(await half.data())].forEach((value, i) => expect(Math.abs(value - want[i])).toBeLessThanOrEqual(Math.abs(want[i]) * 2 ** -11))
      }
    }
  })

  test('a loss of halves is f32', async () => {
    for (const where of [device, reference]) {
      if (!where.supports('f16')) continue
      const loss = crossEntropy(zeros([3000, 2], { dtype: 'f16', device: where }), zeros([3000], { dtype: 'i32', device: where }), { reduction: 'sum' })
      expect(loss.dtype).toBe('f32')
      expect(await loss.item()).toBeCloseTo(3000 * Math.LN2, 2)
    }
  })

  test('attention written out for dropout hides with numbers that halves do not hold', async () => {
    if (!device.supports('f16')) return
    const on = (where: Device, seed: number): Tensor => rand([1, 2, 9, 16], { seed, device: where }).to('f16')
    const run = (where: Device): Tensor => scaledDotProductAttention(on(where, 1), on(where, 2), on(where, 3), { causal: true, dropout: { p: 0.25, seed: 4 } })
    const [got, want] = [await run(device).data(), await run(reference).data()]
    expect(Math.max(...[...want].map((value, i) => Math.abs(value - got[i])))).toBeLessThan(2e-3)
  })

  test('a product rounds what it computes of its operands, where no half is in memory', async () => {
    if (!device.supports('f16')) return
    const product = (a: Tensor, b: Tensor): Tensor => a.mul(1 / 3).to('f16').matmul(b.mul(1 / 7).to('f16')).to('f32')
    const given = (where: Device): [Tensor, Tensor] => [rand([32, 32], { seed: 1, device: where }).realize(), rand([32, 32], { seed: 2, device: where }).realize()]
    const run = compile(product, { device })
    const [got, want] = [await run(...given(device)).data(), await product(...given(reference)).data()]
    expect(Math.max(...[...want].map((value, i) => Math.abs(value - got[i])))).toBeLessThan(2 ** -11)   // the reference rounds the product too
    run.dispose()
  })

  test('takes half the memory', async () => {
    if (!device.supports('f16')) return
    const before = memory(device).sites.reduce((sum, { bytes }) => sum + bytes, 0)
    const x = rand([512, 256], { seed: 1, device }).realize()
    const half = x.to('f16').realize()
    const after = memory(device).sites.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(after - before).toBe(512 * 256 * (4 + 2))
    expect([half.dtype, half.to('f32').dtype]).toEqual(['f16', 'f32'])
  })

  test('attention takes and gives halves', async () => {
    if (!device.supports('f16')) return
    const on = (where: Device, seed: number): Tensor => rand([1, 2, 37, 16], { seed, device: where }).to('f16')
    const run = (where: Device): Tensor => scaledDotProductAttention(on(where, 1), on(where, 2), on(where, 3), { causal: true })
    const [got, want] = [await run(device).data(), await run(reference).data()]
    expect(Math.max(...[...want].map((value, i) => Math.abs(value - got[i])))).toBeLessThan(2e-3)
  })
})
