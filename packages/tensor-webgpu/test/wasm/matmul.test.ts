import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requestWasmDevice, type WasmDevice } from '../../src/devices/wasm/wasm-device.js'
import type { Instruction, MatmulKernel } from '../../src/plan/kernel.js'
import { expectSame, random, runOnDevice, sameBits } from './run-kernel.js'

let device: WasmDevice
beforeAll(async () => {
  device = await requestWasmDevice({ threads: 1 })
})
afterAll(() => device.close())

const f32 = { dtype: 'f32', written: false } as const
const out = { dtype: 'f32', written: true } as const

interface Layout {
  readonly batch?: readonly number[]
  readonly transposeA?: boolean
  readonly transposeB?: boolean
  readonly transposeC?: boolean
  readonly sharedB?: boolean
}

/** C = relu(A B + bias), with `bias` along n. */
function product(m: number, k: number, n: number, { batch = [], transposeA, transposeB, transposeC, sharedB }: Layout = {}): MatmulKernel {
  const batchStrides = (size: number): number[] => batch.map((_, d) => size * batch.slice(d + 1).reduce((a, b) => a * b, 1))
  const zero = batch.map(() => 0)
  return {
    kind: 'matmul',
    bindings: [f32, f32, f32, out],
    batch,
    m,
    n,
    k,
    a: { binding: 0, offset: 0, strides: [...batchStrides(m * k), ...(transposeA ? [1, m] : [k, 1])] },
    b: { binding: 1, offset: 0, strides: [...(sharedB ? zero : batchStrides(k * n)), ...(transposeB ? [1, k] : [n, 1])] },
    body: [
      { fn: 'head', dtype: 'f32' },
      { fn: 'load', access: { binding: 2, offset: 0, strides: [...zero, 0, 1] }, dtype: 'f32' },
      { fn: 'add', args: [0, 1], dtype: 'f32' },
      { fn: 'constant', value: 0, dtype: 'f32' },
      { fn: 'max', args: [2, 3], dtype: 'f32' },
    ],
    results: [{ value: 4, access: { binding: 3, offset: 0, strides: [...batchStrides(m * n), ...(transposeC ? [1, m] : [n, 1])] } }],
  }
}

const dataFor = ({ m, k, n, batch }: MatmulKernel): number[][] => {
  const copies = batch.reduce((a, b) => a * b, 1)
  const make = random(5)
  return [make(copies * m * k), make(copies * k * n), make(n), new Array(copies * m * n).fill(9)]
}

/** (a − row) · column, over [m, k]. */
const normalised: readonly Instruction[] = [
  { fn: 'head', dtype: 'f32' },
  { fn: 'load', access: { binding: 4, offset: 0, strides: [1, 0] }, dtype: 'f32' },
  { fn: 'sub', args: [0, 1], dtype: 'f32' },
  { fn: 'load', access: { binding: 5, offset: 0, strides: [0, 1] }, dtype: 'f32' },
  { fn: 'mul', args: [2, 3], dtype: 'f32' },
]
/** gelu(b) + column, over [k, n]. */
const activated: readonly Instruction[] = [
  { fn: 'head', dtype: 'f32' },
  { fn: 'geluTanh', args: [0], dtype: 'f32' },
  { fn: 'load', access: { binding: 6, offset: 0, strides: [0, 1] }, dtype: 'f32' },
  { fn: 'add', args: [1, 2], dtype: 'f32' },
]
const wide = (instruction: Instruction): Instruction => (instruction.fn === 'load' ? { ...instruction, access: { ...instruction.access, strides: [0, 0, ...instruction.access.strides] } } : instruction)

describe('matmul', () => {
  const sizes = [1, 3, 31, 33]
  for (const m of sizes)
    test(`of every odd size with m = ${m}`, async () => {
      for (const k of [0, ...sizes, 300]) for (const n of sizes) await expectSame(device, product(m, k, n), dataFor(product(m, k, n)), 1e-5)
    })

  const layouts = [false, true].flatMap(transposeA => [false, true].flatMap(transposeB => [false, true].map(transposeC => ({ transposeA, transposeB, transposeC }))))
  test.each(layouts)('with %j', async layout => {
    for (const [m, k, n] of [[33, 65, 31], [70, 257, 66], [1, 9, 40], [40, 9, 1], [33, 17, 5]]) await expectSame(device, product(m, k, n, layout), dataFor(product(m, k, n, layout)), 1e-5)
  })

  test.each([{ sharedB: false }, { sharedB: true }, { sharedB: true, transposeA: true }])('with batches, %j', async layout => {
    const kernel = product(17, 19, 35, { batch: [2, 3], ...layout })
    await expectSame(device, kernel, dataFor(kernel), 1e-5)
  })

  test.each([1, 2, 3, 4])('of %i rows with matrices of every cut', async m => {
    for (const [k, n] of [[1, 64], [63, 68], [64, 64], [129, 100], [700, 96], [70, 2052]]) await expectSame(device, product(m, k, n), dataFor(product(m, k, n)), 1e-5)
  })

  test.each([1, 2, 3, 4, 5])('of %i rows with a transposed matrix', async m => {
    for (const [k, n] of [[3, 9], [4, 4], [7, 33], [16, 31], [70, 64], [129, 101]])
      for (const layout of [{ transposeB: true }, { transposeB: true, transposeC: true }, { transposeB: true, batch: [3] }]) {
        const kernel = product(m, k, n, layout)
        await expectSame(device, kernel, dataFor(kernel), 1e-5)
      }
  })

  test('of one row a batch, of shared and of own matrices', async () => {
    for (const layout of [{ batch: [3] }, { batch: [3], sharedB: true }, { batch: [2, 9], sharedB: true }, { transposeA: true }, { transposeC: true, batch: [2] }]) {
      const kernel = product(layout.transposeA ? 3 : 1, 70, 72, layout)
      await expectSame(device, kernel, dataFor(kernel), 1e-5)
    }
  })

  test.each(layouts)('sums the columns of its right operand, with %j', async layout => {
    for (const [m, k, n] of [[16, 1, 16], [40, 300, 72], [129, 257, 31]])
      for (const stride of [1, 3]) {
        const plain = product(m, k, n, layout)
        const kernel: MatmulKernel = { ...plain, bindings: [...plain.bindings, out], columnSums: [{ binding: 4, offset: 2, strides: [stride] }] }
        await expectSame(device, kernel, [...dataFor(plain), new Array(2 + n * stride).fill(7)], 1e-5)
      }
  })

  test.each(layouts)('computes its operands as it reads them, with %j', async layout => {
    for (const [m, k, n] of [[16, 1, 16], [18, 302, 20], [65, 33, 31], [18, 20, 270]])
      for (const columnSums of [[], [{ binding: 7, offset: 0, strides: [1] }]]) {
        const plain = product(m, k, n, layout)
        const kernel: MatmulKernel = { ...plain, bindings: [...plain.bindings, f32, f32, f32, out], ...(columnSums.length > 0 ? { columnSums } : {}), prologue: { a: normalised, b: activated } }
        const make = random(9)
        await expectSame(device, kernel, [...dataFor(plain), make(m), make(k), make(n), new Array(n).fill(7)], 2e-5)
      }
  })

  test('computes an operand of every matrix of a batch', async () => {
    const plain = product(17, 19, 35, { batch: [2, 3], sharedB: true })
    const kernel: MatmulKernel = { ...plain, bindings: [...plain.bindings, f32, f32, f32], prologue: { a: normalised.map(wide) } }
    const make = random(9)
    await expectSame(device, kernel, [...dataFor(plain), make(17), make(19), make(35)], 2e-5)
  })

  test('of nothing writes nothing', async () => {
    await expectSame(device, product(0, 4, 5), [[1], [1], [1, 1, 1, 1, 1], [3]])
  })

  test('gives the same bits on two threads', async () => {
    const two = await requestWasmDevice({ threads: 2 })
    for (const kernel of [product(257, 300, 200), product(65, 40, 500, { transposeB: true }), product(3, 40, 500, { transposeB: true }), product(1, 700, 640), product(4, 70, 4100)]) expect(sameBits(await runOnDevice(two, kernel, dataFor(kernel)), await runOnDevice(device, kernel, dataFor(kernel)))).toBe(true)
    two.close()
  })
})
