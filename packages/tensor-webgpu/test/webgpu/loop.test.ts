// Loop kernels on both software adapters against the interpreter: maps, reductions, row programs, at odd sizes and beyond one workgroup.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { requestWebgpuDevice, type WebgpuDevice } from '../../src/devices/webgpu/index.js'
import type { LoopChoice } from '../../src/devices/webgpu/kernels/loop-choice.js'
import { loopProgram } from '../../src/devices/webgpu/kernels/loop.js'
import type { Instruction, LoopKernel, ReduceFunction } from '../../src/plan/kernel.js'
import { interpretKernel } from '../interpret-kernel.js'
import { access, binding, constant, dense, expectLikeInterpreter, load, randoms, runOnDevice, runProgram } from './run-kernel.js'

const map = (shape: number[], body: Instruction[], bindings = [binding(), binding(), binding('f32', true)], value = body.length - 1): LoopKernel => ({
  kind: 'loop', bindings, shape, reduced: 0, body, results: [{ value, access: access(bindings.length - 1, dense(...shape)) }],
})

/** `reduce` over the last `reduced` axes of a dense tensor. */
function reduction(shape: number[], reduced: number, reduce: ReduceFunction, strides = dense(...shape)): LoopKernel {
  const outer = shape.slice(0, shape.length - reduced)
  return {
    kind: 'loop', bindings: [binding(), binding('f32', true)], shape, reduced,
    body: [load(0, strides), { fn: 'reduce', reduce, args: [0], dtype: 'f32' }],
    results: [{ value: 1, access: access(1, [...dense(...outer), ...new Array<number>(reduced).fill(0)]) }],
  }
}

/** Softmax over the last axis: two reductions, the second after the first. */
const softmax = (rows: number, length: number): LoopKernel => ({
  kind: 'loop', bindings: [binding(), binding('f32', true)], shape: [rows, length], reduced: 1,
  body: [
    load(0, [length, 1]), { fn: 'reduce', reduce: 'max', args: [0], dtype: 'f32' }, { fn: 'sub', args: [0, 1], dtype: 'f32' }, { fn: 'exp', args: [2], dtype: 'f32' },
    { fn: 'reduce', reduce: 'sum', args: [3], dtype: 'f32' }, { fn: 'div', args: [3, 4], dtype: 'f32' },
  ],
  results: [{ value: 5, access: access(1, [length, 1]) }],
})

describeOnAdapters('loop kernels', adapter => {
  let device: WebgpuDevice
  beforeAll(async () => void (device = await requestWebgpuDevice({ gpu: adapter.gpu })))
  afterAll(() => device.close())

  test.each([[1], [3], [31], [257], [1028], [70000]])('add over %i elements', async n => {
    const kernel = map([n], [load(0, [1]), load(1, [1]), { fn: 'add', args: [0, 1], dtype: 'f32' }])
    await expectLikeInterpreter(device, kernel, [randoms(n, 1), randoms(n, 2), new Float32Array(n)])
  })

  test('broadcast, transposed, reversed and offset operands', async () => {
    const [rows, columns] = [33, 36]
    const kernel = map([rows, columns], [load(0, [1, rows]), load(1, [0, -1], 'f32', columns - 1), { fn: 'mul', args: [0, 1], dtype: 'f32' }])
    await expectLikeInterpreter(device, kernel, [randoms(rows * columns, 1), randoms(columns, 2), new Float32Array(rows * columns)])
  })

  test('guards: padding reads zero outside', async () => {
    const guards = [{ axis: 0, from: 1, to: 4 }, { axis: 1, from: 2, to: 7 }]
    const body: Instruction[] = [{ fn: 'load', access: access(0, [5, 1], -7, guards), dtype: 'f32' }, load(1, [8, 1]), { fn: 'add', args: [0, 1], dtype: 'f32' }]
    await expectLikeInterpreter(device, map([5, 8], body), [randoms(15, 1), randoms(40, 2), new Float32Array(40)])
  })

  test('gather of whole rows clamps its indices', async () => {
    const [rows, table, width] = [37, 11, 12]
    const body: Instruction[] = [load(1, [1, 0], 'i32'), { fn: 'gather', access: access(0, [0, 1]), args: [0], stride: width, size: table, dtype: 'f32' }]
    const index = Int32Array.from({ length: rows }, (_, i) => (i % 15) - 2)
    await expectLikeInterpreter(device, map([rows, width], body, [binding(), binding('i32'), binding('f32', true)]), [randoms(table * width, 1), index, new Float32Array(rows * width)])
  })

  test('index and where: a causal mask', async () => {
    const body: Instruction[] = [
      { fn: 'index', axis: 0, dtype: 'i32' }, { fn: 'index', axis: 1, dtype: 'i32' }, { fn: 'le', args: [1, 0], dtype: 'bool' },
      load(0, [32, 1]), constant(-1e30), { fn: 'where', args: [2, 3, 4], dtype: 'f32' },
    ]
    await expectLikeInterpreter(device, map([31, 32], body), [randoms(31 * 32, 1), randoms(1, 2), new Float32Array(31 * 32)])
  })

  test('in-place update reads before it writes', async () => {
    const kernel: LoopKernel = {
      kind: 'loop', bindings: [binding('f32', true), binding()], shape: [1000], reduced: 0,
      body: [load(0, [1]), load(1, [1]), constant(0.1), { fn: 'mul', args: [1, 2], dtype: 'f32' }, { fn: 'sub', args: [0, 3], dtype: 'f32' }],
      results: [{ value: 4, access: access(0, [1]) }],
    }
    await expectLikeInterpreter(device, kernel, [randoms(1000, 1), randoms(1000, 2)])
  })

  test.each([[[7, 33], 1], [[3, 5, 64], 2], [[2, 4096], 1], [[1, 70001], 1], [[300, 8], 1], [[1, 1], 1]] as [number[], number][])('sum of %j over its last %i axes', async (shape, reduced) => {
    const size = shape.reduce((a, b) => a * b, 1)
    const outer = shape.slice(0, shape.length - reduced).reduce((a, b) => a * b, 1)
    await expectLikeInterpreter(device, reduction([...shape], reduced, 'sum'), [randoms(size, 3), new Float32Array(outer)], { absolute: 2e-4 })
  })

  test.each([[128, 515], [64, 33], [33, 257]])('column sums of a (%i, %i) matrix', async (columns, rows) => {
    await expectLikeInterpreter(device, reduction([columns, rows], 1, 'sum', [1, columns]), [randoms(rows * columns, 4), new Float32Array(columns)], { absolute: 1e-4 })
  })

  test('sum over the middle axis', async () => {
    const kernel: LoopKernel = { ...reduction([5, 12, 31], 1, 'sum', [31 * 12, 1, 12]), results: [{ value: 1, access: access(1, [12, 1, 0]) }] }
    await expectLikeInterpreter(device, kernel, [randoms(5 * 12 * 31, 4), new Float32Array(60)], { absolute: 1e-4 })
  })

  test('reductions over nothing give their identities', async () => {
    for (const [reduce, value] of [['sum', 0], ['prod', 1], ['max', -Infinity], ['min', Infinity]] as const) {
      const [, out] = await runOnDevice(device, reduction([5, 0], 1, reduce), [new Float32Array(0), new Float32Array(5).fill(7)])
      expect([...out]).toEqual(new Array(5).fill(value))
    }
  })

  test.each(['max', 'min', 'prod'] as const)('%s of rows keeps NaN', async reduce => {
    const data = randoms(12 * 36, 5, 2)
    data[40] = Number.NaN
    await expectLikeInterpreter(device, reduction([12, 36], 1, reduce), [data, new Float32Array(12)])
  })

  test.each([[33, 31], [9, 256], [1, 4100], [257, 64]])('softmax of (%i, %i) at large scale', async (rows, length) => {
    await expectLikeInterpreter(device, softmax(rows, length), [randoms(rows * length, 6, 60), new Float32Array(rows * length)])
  })

  test('layer norm with mean and inverse deviation as row results', async () => {
    const [rows, width] = [37, 48]
    const kernel: LoopKernel = {
      kind: 'loop', bindings: [binding(), binding(), binding('f32', true), binding('f32', true)], shape: [rows, width], reduced: 1,
      body: [
        load(0, [width, 1]), { fn: 'reduce', reduce: 'sum', args: [0], dtype: 'f32' }, constant(1 / width), { fn: 'mul', args: [1, 2], dtype: 'f32' }, { fn: 'sub', args: [0, 3], dtype: 'f32' },
        { fn: 'mul', args: [4, 4], dtype: 'f32' }, { fn: 'reduce', reduce: 'sum', args: [5], dtype: 'f32' }, { fn: 'mul', args: [6, 2], dtype: 'f32' }, constant(1e-5), { fn: 'add', args: [7, 8], dtype: 'f32' },
        { fn: 'rsqrt', args: [9], dtype: 'f32' }, { fn: 'mul', args: [4, 10], dtype: 'f32' }, load(1, [0, 1]), { fn: 'mul', args: [11, 12], dtype: 'f32' },
      ],
      results: [{ value: 13, access: access(2, [width, 1]) }, { value: 3, access: access(3, [1, 0]) }],
    }
    await expectLikeInterpreter(device, kernel, [randoms(rows * width, 7, 3), randoms(width, 8), new Float32Array(rows * width), new Float32Array(rows)])
  })

  test('bool results and reductions: any, over a comparison', async () => {
    const kernel: LoopKernel = {
      kind: 'loop', bindings: [binding(), binding('bool', true)], shape: [40, 12], reduced: 1,
      body: [load(0, [12, 1]), constant(0.9), { fn: 'lt', args: [1, 0], dtype: 'bool' }, { fn: 'reduce', reduce: 'max', args: [2], dtype: 'bool' }],
      results: [{ value: 3, access: access(1, [1, 0]) }],
    }
    await expectLikeInterpreter(device, kernel, [randoms(480, 9), new Uint8Array(40)])
  })

  test('a kernel over no elements dispatches nothing', async () => {
    const before = device.counts.dispatches
    await runOnDevice(device, map([0, 4], [load(0, [4, 1])], [binding(), binding('f32', true)]), [new Float32Array(0), new Float32Array(0)])
    expect(device.counts.dispatches).toBe(before)
  })

  test.each([
    ['lanes beside each other', softmax(19, 64), { lanes: 8, rowsPerGroup: 2, rowsAdjacent: false }],
    ['lanes across adjacent rows', softmax(19, 64), { lanes: 4, rowsPerGroup: 8, rowsAdjacent: true }],
    ['columns in vec4s', reduction([72, 257], 1, 'sum', [1, 72]), { lanes: 8, rowsPerGroup: 4, rowsAdjacent: true }],
    ['single elements', softmax(19, 64), { lanes: 1, rowsPerGroup: 8, vectorAxis: null }],
  ] as [string, LoopKernel, Partial<LoopChoice>][])('layouts that other adapters get compute the same: %s', async (_, kernel, choice) => {
    const [rows, length] = kernel.shape
    const size = kernel.body.length > 2 ? rows * length : rows
    const data = [randoms(rows * length, 6, 5), new Float32Array(size)]
    const expected = data.map(values => Array.from(values))
    interpretKernel(kernel, expected)
    const program = loopProgram(kernel, device.traits, choice)
    if (program === null) return expect.fail('a program must come out')
    const got = await runProgram(device, program, data)
    got[program.bindings.indexOf(1)].forEach((value, i) => expect(Math.abs(value - expected[1][i])).toBeLessThan(1e-4))
  })
})
