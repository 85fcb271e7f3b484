import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requestWasmDevice, type WasmDevice } from '../../src/devices/wasm/wasm-device.js'
import type { Instruction, LoopKernel } from '../../src/plan/kernel.js'
import { rowMajorStrides, sizeOf } from '../../src/shape.js'
import { expectSame, random, runOnDevice, sameBits } from './run-kernel.js'

let device: WasmDevice
beforeAll(async () => {
  device = await requestWasmDevice({ threads: 1 })
})
afterAll(() => device.close())

const f32 = { dtype: 'f32', written: false } as const
const out = { dtype: 'f32', written: true } as const
const load = (binding: number, strides: readonly number[], offset = 0): Instruction => ({ fn: 'load', access: { binding, offset, strides }, dtype: 'f32' })

const map = (shape: readonly number[], body: readonly Instruction[], bindings = 2): LoopKernel => ({
  kind: 'loop',
  bindings: Array.from({ length: bindings }, (_, i) => (i === bindings - 1 ? out : f32)),
  shape,
  reduced: 0,
  body,
  results: [{ value: body.length - 1, access: { binding: bindings - 1, offset: 0, strides: rowMajorStrides(shape) } }],
})

const shapes = [[], [1], [3], [31], [33, 257], [5, 1, 7], [257, 3], [0, 4], [2, 3, 5, 7]]

describe('maps', () => {
  test.each(shapes)('add a vector of shape %j to itself', async (...shape: number[]) => {
    const n = sizeOf(shape)
    const strides = rowMajorStrides(shape)
    const kernel = map(shape, [load(0, strides), { fn: 'add', args: [0, 0], dtype: 'f32' }])
    await expectSame(device, kernel, [random(1)(n), new Array(n).fill(7)])
  })

  test('transposes', async () => {
    const kernel = map([33, 31], [load(0, [1, 33]), { fn: 'neg', args: [0], dtype: 'f32' }])
    await expectSame(device, kernel, [random(2)(33 * 31), new Array(33 * 31).fill(0)])
  })
})

const softmax = (shape: readonly number[], reduced: number, strides: readonly number[]): LoopKernel => {
  const rowStrides = strides.map((stride, d) => (d < shape.length - reduced ? stride : 0))
  return {
    kind: 'loop',
    bindings: [f32, out, out],
    shape,
    reduced,
    body: [
      load(0, strides),
      { fn: 'reduce', reduce: 'max', args: [0], dtype: 'f32' },
      { fn: 'sub', args: [0, 1], dtype: 'f32' },
      { fn: 'exp', args: [2], dtype: 'f32' },
      { fn: 'reduce', reduce: 'sum', args: [3], dtype: 'f32' },
      { fn: 'div', args: [3, 4], dtype: 'f32' },
    ],
    results: [
      { value: 5, access: { binding: 1, offset: 0, strides } },
      { value: 4, access: { binding: 2, offset: 0, strides: rowStrides } },
    ],
  }
}

describe('row programs', () => {
  test.each([
    { shape: [33, 257], reduced: 1, strides: [257, 1] },
    { shape: [257, 33], reduced: 1, strides: [1, 257] },
    { shape: [5, 3], reduced: 1, strides: [3, 1] },
    { shape: [3, 5, 7, 9], reduced: 2, strides: [5 * 7 * 9, 7 * 9, 9, 1] },
    { shape: [63, 3, 5], reduced: 2, strides: [1, 63, 63 * 3] },
    { shape: [1, 1], reduced: 1, strides: [1, 1] },
    { shape: [100], reduced: 1, strides: [1] },
    { shape: [4, 0], reduced: 1, strides: [1, 1] },
  ])('softmax of $shape with strides $strides', async ({ shape, reduced, strides }) => {
    const n = sizeOf(shape)
    await expectSame(device, softmax(shape, reduced, strides), [random(3)(n, -5, 5), new Array(n).fill(7), new Array(Math.max(n, 8)).fill(7)])
  })

  test.each([
    { shape: [3, 100_001], strides: [100_001, 1] },
    { shape: [17, 50_000], strides: [1, 17] },
  ])('long sums of shape $shape keep their digits', async ({ shape, strides }) => {
    const kernel: LoopKernel = {
      kind: 'loop', bindings: [f32, out], shape, reduced: 1,
      body: [load(0, strides), { fn: 'reduce', reduce: 'sum', args: [0], dtype: 'f32' }],
      results: [{ value: 1, access: { binding: 1, offset: 0, strides: [1, 0] } }],
    }
    // equal terms round the same way every time: the worst case for a long chain
    await expectSame(device, kernel, [new Array(shape[0] * shape[1]).fill(Math.fround(0.1)), new Array(shape[0]).fill(0)], 1e-5)
  })

  test.each([[9, 7, 128], [300, 3, 160], [2, 2, 132]])('sums over rows of several tensors merged into one kernel, (%i, %i, %i)', async (A, B, n) => {
    const along = [1, B * n, n]
    const reduce = (arg: number): Instruction => ({ fn: 'reduce', reduce: 'sum', args: [arg], dtype: 'f32' })
    // a product and one of its factors share a walk; the third tensor has its own
    const body = [load(0, along), load(1, along), { fn: 'mul', args: [0, 1], dtype: 'f32' } as const, reduce(2), load(2, along), reduce(4), reduce(0)]
    const result = (value: number, binding: number) => ({ value, access: { binding, offset: 0, strides: [1, 0, 0] } })
    const kernel: LoopKernel = { kind: 'loop', bindings: [f32, f32, f32, out, out, out], shape: [n, A, B], reduced: 2, body, results: [result(3, 3), result(5, 4), result(6, 5)] }
    const make = random(6)
    await expectSame(device, kernel, [make(A * B * n), make(A * B * n), make(A * B * n), new Array(n).fill(7), new Array(n).fill(7), new Array(n).fill(7)], 1e-5)
  })

  test('threads do not change a bit', async () => {
    const two = await requestWasmDevice({ threads: 2 })
    const kernel = softmax([257, 999], 1, [999, 1])
    const data = [random(4)(257 * 999), new Array(257 * 999).fill(0), new Array(257 * 999).fill(0)]
    expect(sameBits(await runOnDevice(two, kernel, data), await runOnDevice(device, kernel, data))).toBe(true)
    two.close()
  })
})
