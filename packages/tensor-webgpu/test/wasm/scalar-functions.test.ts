import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requestWasmDevice, type WasmDevice } from '../../src/devices/wasm/wasm-device.js'
import type { Dtype } from '../../src/dtype.js'
import { scalarFunctions, type ScalarFunction } from '../../src/graph/scalar-function.js'
import type { LoopKernel } from '../../src/plan/kernel.js'
import { expectSame, random, runOnDevice, same } from './run-kernel.js'

let device: WasmDevice
beforeAll(async () => {
  device = await requestWasmDevice({ threads: 1 })
})
afterAll(() => device.close())

const resultType = (fn: ScalarFunction, dtype: Dtype): Dtype => (scalarFunctions[fn].result === 'same' ? dtype : scalarFunctions[fn].result === 'bool' ? 'bool' : 'u32')

function apply(fn: ScalarFunction, dtype: Dtype, n: number): LoopKernel {
  const { arity } = scalarFunctions[fn]
  const args = Array.from({ length: arity }, (_, i) => i)
  const result = resultType(fn, dtype)
  return {
    kind: 'loop',
    bindings: [...args.map(() => ({ dtype, written: false })), { dtype: result, written: true }],
    shape: [n],
    reduced: 0,
    body: [...args.map(i => ({ fn: 'load' as const, access: { binding: i, offset: 0, strides: [1] }, dtype })), { fn, args, dtype: result }],
    results: [{ value: arity, access: { binding: arity, offset: 0, strides: [1] } }],
  }
}

/** Distance in units of the last place of an f32 of the larger's size. */
function ulps(actual: number, exact: number): number {
  const expected = Math.fround(exact)
  if (same(actual, expected)) return 0
  if (!Number.isFinite(actual) || !Number.isFinite(expected)) return Infinity
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(exact))))
  return Math.abs(actual - exact) / 2 ** (exponent - 23)
}

const special = [0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-30, -1e-30, 1e-42, 88, 89, -88, -103, -110, 1e6, -1e6, 1e30, -1e30, Infinity, -Infinity, Number.NaN]
const sweep = (low: number, high: number): number[] => [...special, ...random(1)(4001, low, high), ...random(2)(500, -2, 2), ...random(3)(500, -0.01, 0.01)].map(Math.fround)

/** Bound in ulp, or absolute where the function has roots that are not at 0. */
const unary: [ScalarFunction, number, number, number, number?][] = [
  ['neg', -10, 10, 0], ['abs', -10, 10, 0], ['sign', -10, 10, 0], ['floor', -10, 10, 0], ['ceil', -10, 10, 0], ['trunc', -10, 10, 0], ['round', -10, 10, 0],
  ['exp', -104, 89, 2], ['expm1', -20, 89, 2], ['log', 0, 1e4, 2], ['log1p', -1, 1e3, 2.5], ['sqrt', 0, 100, 0.5], ['rsqrt', 0, 100, 1.5],
  ['sin', -100, 100, 2], ['cos', -100, 100, 2], ['tanh', -10, 10, 3], ['sigmoid', -104, 90, 3], ['erf', -5, 5, 3],
  ['gelu', -14, 14, 6, 1e-14], ['geluDerivative', -14, 14, 6, 1e-7], ['geluTanh', -9, 9, 5, 1e-7], ['geluTanhDerivative', -9, 9, 5, 1e-7],
  ['isNan', -1, 1, 0], ['isFinite', -1, 1, 0],
]

describe('functions of one f32', () => {
  test.each(unary)('%s from %d to %d stays within %d ulp', async (fn, low, high, bound, absolute = 0) => {
    const x = sweep(low, high)
    const [, result] = await runOnDevice(device, apply(fn, 'f32', x.length), [x, new Array(x.length).fill(7)])
    const worst = x.map((value, i) => {
      // infinity times zero in float64; the device may give the limit
      const indeterminate = fn.startsWith('gelu') && !Number.isFinite(value)
      const exact = indeterminate ? result[i] : scalarFunctions[fn].evaluate(value, 0, 0)
      return { value, exact, actual: result[i], error: Math.abs(result[i] - exact) <= absolute ? 0 : ulps(result[i], exact) }
    }).filter(({ error }) => error > bound)
    expect(worst.sort((a, b) => b.error - a.error).slice(0, 6)).toEqual([])
  })
})

describe('functions of two f32', () => {
  test.each([['add', 1], ['sub', 1], ['mul', 1], ['div', 1], ['mod', 1], ['pow', 1.5], ['max', 0], ['min', 0], ['eq', 0], ['ne', 0], ['lt', 0], ['le', 0]] as const)('%s within %d ulp', async (fn, bound) => {
    const pairs = special.flatMap(a => special.map(b => [a, b]))
    const make = random(5)
    const a = [...pairs.map(([x]) => x), ...make(2000, 0, 20), ...make(500, -3, 3)].map(Math.fround)
    const b = [...pairs.map(([, y]) => y), ...make(2000, -20, 20), ...make(500, -5, 5).map(Math.round)].map(Math.fround)
    const [, , result] = await runOnDevice(device, apply(fn, 'f32', a.length), [a, b, new Array(a.length).fill(7)])
    const worst = a.map((x, i) => {
      const exact = scalarFunctions[fn].evaluate(x, b[i], 0)
      return { x, y: b[i], exact, actual: result[i], error: ulps(result[i], exact) }
    }).filter(({ x, y, error }) => error > bound && !(fn === 'mod' && Math.abs(x / y) > 1e14))
    expect(worst.sort((p, q) => q.error - p.error).slice(0, 6)).toEqual([])
  })
})

describe('integers are exact', () => {
  const edges = { i32: [0, 1, -1, 2, 7, -7, 31, 33, 2 ** 31 - 1, -(2 ** 31), 123456789, -987654321], u32: [0, 1, 2, 7, 31, 33, 2 ** 31, 2 ** 32 - 1, 123456789, 4123456789], bool: [0, 1] }
  const binary: ScalarFunction[] = ['add', 'sub', 'mul', 'div', 'mod', 'max', 'min', 'eq', 'ne', 'lt', 'le', 'and', 'or', 'xor', 'bitAnd', 'bitOr', 'bitXor', 'shiftLeft', 'shiftRight']
  for (const dtype of ['i32', 'u32', 'bool'] as const)
    test(`${dtype}`, async () => {
      const a = edges[dtype].flatMap(x => edges[dtype].map(() => x))
      const b = edges[dtype].flatMap(() => edges[dtype])
      for (const fn of dtype === 'bool' ? (['add', 'mul', 'max', 'min', 'eq', 'ne', 'and', 'or', 'xor'] as const) : binary) await expectSame(device, apply(fn, dtype, a.length), [a, b, new Array(a.length).fill(7)])
      for (const fn of ['neg', 'abs', 'sign', 'not', 'floor', 'isNan', 'isFinite'] as const) if (dtype === 'i32') await expectSame(device, apply(fn, dtype, a.length), [a, new Array(a.length).fill(7)])
    })

  test('powers of small integers', async () => {
    const a = [2, 3, -2, -3, 1, -1, -1, 0, 5, 7, 10]
    const b = [10, 5, 3, 4, -5, -3, -4, 0, 0, 1, 9]
    await expectSame(device, apply('pow', 'i32', a.length), [a, b, new Array(a.length).fill(7)])
  })

  test('threefry', async () => {
    const make = random(6)
    const words = (): number[] => make(99, 0, 1).map(x => Math.floor(x * 2 ** 32))
    await expectSame(device, apply('threefry', 'u32', 99), [words(), words(), words(), new Array(99).fill(7)])
  })
})
