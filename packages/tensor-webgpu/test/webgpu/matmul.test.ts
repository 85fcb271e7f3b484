// Matmul on both software adapters against the interpreter: every layout of the operands, odd sizes, batches, epilogues.
import { afterAll, beforeAll, test } from 'vitest'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { requestWebgpuDevice, type WebgpuDevice } from '../../src/devices/webgpu/index.js'
import type { MatmulKernel } from '../../src/plan/kernel.js'
import { head, memory, product, prologueMemory, withPrologue, type Layout } from './matrices.js'
import { access, binding, dense, expectLikeInterpreter, load, randoms } from './run-kernel.js'

describeOnAdapters('matmul kernels', adapter => {
  let device: WebgpuDevice
  beforeAll(async () => void (device = await requestWebgpuDevice({ gpu: adapter.gpu })))
  afterAll(() => device.close())

  test.each([[3, 1, 5], [1, 33, 64], [31, 33, 3], [8, 32, 16], [33, 65, 31], [64, 257, 36], [257, 32, 68]])('(%i x %i) over k = %i', async (m, n, k) => {
    const kernel = product(m, n, k)
    await expectLikeInterpreter(device, kernel, memory(kernel), { absolute: 3e-5 })
  })

  test.each([
    ['a transposed', { aTransposed: true }], ['b transposed', { bTransposed: true }], ['both transposed', { aTransposed: true, bTransposed: true }],
    ['result transposed', { outTransposed: true }], ['all transposed', { aTransposed: true, bTransposed: true, outTransposed: true }],
  ] as const)('%s', async (_, layout) => {
    for (const [m, n, k] of [[40, 36, 24], [17, 65, 20]]) {
      const kernel = product(m, n, k, layout)
      await expectLikeInterpreter(device, kernel, memory(kernel), { absolute: 3e-5 })
    }
  })

  test.each([
    ['a transposed', { aTransposed: true }], ['b transposed', { bTransposed: true }], ['result transposed', { outTransposed: true }], ['a row of batches', { batch: [1] }],
  ] as [string, Layout][])('the sums of the columns of b, %s', async (_, layout) => {
    for (const [m, n, k] of [[16, 16, 1], [40, 36, 24], [17, 33, 20]])
      for (const [stride, offset] of [[1, 4], [3, 2]]) {
        const plain = product(m, n, k, layout)
        const kernel: MatmulKernel = { ...plain, bindings: [...plain.bindings, binding('f32', true)], columnSums: [access(3, [stride], offset)] }
        await expectLikeInterpreter(device, kernel, [...memory(plain), new Float32Array(offset + n * stride).fill(7)], { absolute: 3e-5 })
      }
  })

  test('sums of columns in the binding of the product, behind it', async () => {
    const [m, n, k] = [16, 20, 24]
    const kernel: MatmulKernel = { ...product(m, n, k), columnSums: [access(2, [1], m * n)] }
    await expectLikeInterpreter(device, kernel, [...memory(kernel).slice(0, 2), new Float32Array(m * n + n)], { absolute: 3e-5 })
  })

  test.each([
    ['as they are', {}], ['a transposed', { aTransposed: true }], ['b transposed', { bTransposed: true }], ['result transposed', { outTransposed: true }],
    ['all transposed', { aTransposed: true, bTransposed: true, outTransposed: true }], ['of a batch', { batch: [2, 3] }],
  ] as [string, Layout][])('operands computed as they are read, %s', async (_, layout) => {
    for (const [m, n, k] of [[16, 16, 1], [40, 36, 24], [17, 33, 22]]) {
      const plain = product(m, n, k, layout)
      await expectLikeInterpreter(device, withPrologue(plain), [...memory(plain), ...prologueMemory(plain)], { absolute: 5e-5 })
    }
  })

  test('two batch axes', async () => {
    const kernel = product(9, 12, 20, { batch: [2, 3] })
    await expectLikeInterpreter(device, kernel, memory(kernel), { absolute: 3e-5 })
  })

  test('a batch that shares its right operand', async () => {
    const kernel: MatmulKernel = { ...product(5, 12, 20, { batch: [4] }), b: access(1, [0, 12, 1]) }
    await expectLikeInterpreter(device, kernel, [randoms(4 * 5 * 20, 1), randoms(240, 2), new Float32Array(240)], { absolute: 3e-5 })
  })

  test('heads inside a packed projection: strided batches', async () => {
    const [B, H, T, D] = [2, 3, 10, 8]
    const row = 3 * H * D
    const kernel: MatmulKernel = {
      kind: 'matmul', bindings: [binding(), binding('f32', true)], batch: [B, H], m: T, n: T, k: D,
      a: access(0, [T * row, D, row, 1]), b: access(0, [T * row, D, 1, row], H * D),
      body: [head], results: [{ value: 0, access: access(1, dense(B, H, T, T)) }],
    }
    await expectLikeInterpreter(device, kernel, [randoms(B * T * row, 1), new Float32Array(B * H * T * T)], { absolute: 3e-5 })
  })

  test('epilogue: bias, gelu and residual, with the sum kept too', async () => {
    const [m, n, k] = [34, 40, 24]
    const kernel: MatmulKernel = {
      ...product(m, n, k), bindings: [binding(), binding(), binding('f32', true), binding(), binding(), binding('f32', true)],
      body: [head, load(3, [0, 1]), { fn: 'add', args: [0, 1], dtype: 'f32' }, { fn: 'gelu', args: [2], dtype: 'f32' }, load(4, [n, 1]), { fn: 'add', args: [3, 4], dtype: 'f32' }],
      results: [{ value: 5, access: access(2, [n, 1]) }, { value: 2, access: access(5, [n, 1]) }],
    }
    await expectLikeInterpreter(device, kernel, [...memory(kernel), randoms(n, 3), randoms(m * n, 4), new Float32Array(m * n)], { absolute: 3e-5 })
  })

  test('epilogue on a row vector and on odd columns', async () => {
    for (const [m, n, k] of [[1, 40, 24], [10, 31, 12]]) {
      const kernel: MatmulKernel = {
        ...product(m, n, k), bindings: [binding(), binding(), binding('f32', true), binding()],
        body: [head, load(3, [0, 1]), { fn: 'add', args: [0, 1], dtype: 'f32' }, { fn: 'tanh', args: [2], dtype: 'f32' }], results: [{ value: 3, access: access(2, [n, 1]) }],
      }
      await expectLikeInterpreter(device, kernel, [...memory(kernel), randoms(n, 3)], { absolute: 3e-5 })
    }
  })

  test('a guarded operand reads zero outside', async () => {
    const kernel: MatmulKernel = { ...product(9, 12, 20), a: access(0, [20, 1], -20, [{ axis: 0, from: 1, to: 8 }]) }
    await expectLikeInterpreter(device, kernel, memory(kernel), { absolute: 3e-5 })
  })

  test('a contraction over nothing gives the epilogue of zero', async () => {
    const kernel = product(6, 8, 0)
    await expectLikeInterpreter(device, kernel, memory(kernel))
  })
})
