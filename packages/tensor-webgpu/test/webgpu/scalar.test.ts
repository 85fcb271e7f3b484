// Every scalar function on both software adapters against its definition in float64, one number at a time and four at once, special values included.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { requestWebgpuDevice, type WebgpuDevice } from '../../src/devices/webgpu/index.js'
import type { Dtype, TypedArray } from '../../src/dtype.js'
import { scalarFunctions, type ScalarFunction } from '../../src/graph/scalar-function.js'
import type { Instruction, LoopKernel } from '../../src/plan/kernel.js'
import { access, binding, expectLikeInterpreter, load, randoms, runOnDevice } from './run-kernel.js'

/** Applies each function to the operands; function i's results start at element i · n of the last binding. */
function apply(fns: readonly ScalarFunction[], operands: readonly Dtype[], out: Dtype, n: number): LoopKernel {
  const loads = operands.map((dtype, i) => load(i, [1], dtype))
  const calls = fns.map((fn): Instruction => ({ fn, args: operands.map((_, i) => i).slice(0, scalarFunctions[fn].arity), dtype: scalarFunctions[fn].result === 'bool' ? 'bool' : operands[operands.length - 1] }))
  return {
    kind: 'loop', bindings: [...operands.map(dtype => binding(dtype)), binding(out, true)], shape: [n], reduced: 0, body: [...loads, ...calls],
    results: fns.map((_, i) => ({ value: loads.length + i, access: access(operands.length, [1], i * n) })),
  }
}

const smooth: ScalarFunction[] = ['neg', 'abs', 'sign', 'floor', 'ceil', 'trunc', 'round', 'exp', 'expm1', 'tanh', 'sigmoid', 'erf', 'gelu', 'geluDerivative', 'geluTanh', 'geluTanhDerivative', 'sin', 'cos']
const positive: ScalarFunction[] = ['log', 'log1p', 'sqrt', 'rsqrt']
const floatPairs: ScalarFunction[] = ['add', 'sub', 'mul', 'div', 'max', 'min']
const comparisons: ScalarFunction[] = ['eq', 'ne', 'lt', 'le', 'and', 'or', 'xor']
const integerPairs: ScalarFunction[] = ['add', 'sub', 'div', 'mod', 'max', 'min', 'bitAnd', 'bitOr', 'bitXor', 'shiftLeft', 'shiftRight']

/** 4 to compute in vec4s, 1 to force single elements by an odd length. */
const lengths = [[256, 'four at once'], [255, 'one at a time']] as const

describeOnAdapters('scalar functions', adapter => {
  let device: WebgpuDevice
  beforeAll(async () => void (device = await requestWebgpuDevice({ gpu: adapter.gpu })))
  afterAll(() => device.close())

  const grid = (n: number, range: number): Float32Array => Float32Array.from({ length: n }, (_, i) => [0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-6, -1e-6, 100, -100][i] ?? ((i / n) * 2 - 1) * range)

  test.each(lengths)('unary float functions, %i elements: %s', async n => {
    for (const range of [1, 12]) await expectLikeInterpreter(device, apply(smooth, ['f32'], 'f32', n), [grid(n, range).map(x => (range === 1 && Math.abs(x) > 20 ? 3 : Math.max(-80, Math.min(80, x)))), new Float32Array(smooth.length * n)], { relative: 4e-6, absolute: 4e-7 })
  })

  test.each(lengths)('logarithms and roots, %i elements: %s', async n => {
    const x = Float32Array.from({ length: n }, (_, i) => [1, 1.0001, 0.9999, 1e-7, 1e30, 0.5][i] ?? 2 ** ((i - n / 2) / 8))
    await expectLikeInterpreter(device, apply(positive, ['f32'], 'f32', n), [x, new Float32Array(positive.length * n)], { relative: 2e-6, absolute: 1e-7 })
  })

  test.each(lengths)('pairs of floats and their comparisons, %i elements: %s', async n => {
    const [a, b] = [randoms(n, 1, 4), randoms(n, 2, 4)]
    for (let i = 0; i < n; i += 3) b[i] = a[i]
    a[4] = 0
    await expectLikeInterpreter(device, apply(floatPairs, ['f32', 'f32'], 'f32', n), [a, b, new Float32Array(floatPairs.length * n)])
    await expectLikeInterpreter(device, apply(comparisons, ['f32', 'f32'], 'bool', n), [a, b, new Uint8Array(comparisons.length * n)])
  })

  test.each(lengths)('mod has the sign of the divisor, pow takes negative bases, %i elements: %s', async n => {
    const [a, b] = [randoms(n, 1, 6), Float32Array.from({ length: n }, (_, i) => [2, -3, 0.5, 0, 3, 1, -1][i % 7])]
    for (let i = 0; i < 20; i++) a[i] = [-2, 2, -1, 0, 0.25][i % 5]
    for (let i = 0; i < n; i++) if (a[i] < 0 && b[i] === 0.5) a[i] = -a[i]
    await expectLikeInterpreter(device, apply(['pow'], ['f32', 'f32'], 'f32', n), [a, b, new Float32Array(n)], { relative: 1e-5 })
    const divisor = b.map(x => (x === 0 ? 1.25 : x))
    await expectLikeInterpreter(device, apply(['mod'], ['f32', 'f32'], 'f32', n), [a.map(x => x * 8 + 0.0625), divisor, new Float32Array(n)], { absolute: 1e-5 })
  })

  test.each(lengths)('integers: division by zero is zero, shifts count modulo 32, %i elements: %s', async n => {
    const a = Int32Array.from({ length: n }, (_, i) => (i - 128) * (i % 3 === 0 ? 1 : 7919))
    const b = Int32Array.from({ length: n }, (_, i) => (i % 37) - 3)
    await expectLikeInterpreter(device, apply(integerPairs, ['i32', 'i32'], 'i32', n), [a, b, new Int32Array(integerPairs.length * n)])
    const [c, d] = [Uint32Array.from(a), Uint32Array.from(b, Math.abs)]
    await expectLikeInterpreter(device, apply(integerPairs.filter(fn => fn !== 'sub'), ['u32', 'u32'], 'u32', n), [c, d, new Uint32Array((integerPairs.length - 1) * n)])
  })

  test.each(lengths)('infinities and NaN, %i elements: %s', async n => {
    const special = [Number.NaN, Infinity, -Infinity, 1, -1, 0, 3.4e38, -3.4e38]
    const a = Float32Array.from({ length: n }, (_, i) => special[i % 8])
    const b = Float32Array.from({ length: n }, (_, i) => special[Math.floor(i / 8) % 8])
    await expectLikeInterpreter(device, apply(['isNan', 'isFinite'], ['f32'], 'bool', n), [a, new Uint8Array(2 * n)])
    await expectLikeInterpreter(device, apply(['max', 'min'], ['f32', 'f32'], 'f32', n), [a, b, new Float32Array(2 * n)])
    await expectLikeInterpreter(device, apply(['tanh', 'erf', 'sigmoid', 'log'], ['f32'], 'f32', n), [a, new Float32Array(4 * n)], { absolute: 1e-6 })
  })

  test.each(lengths)('threefry gives the same bits as the host, %i elements: %s', async n => {
    const words = (seed: number) => Uint32Array.from(randoms(n, seed, 2 ** 31), x => x >>> 0)
    await expectLikeInterpreter(device, apply(['threefry'], ['u32', 'u32', 'u32'], 'u32', n), [words(1), words(2), words(3), new Uint32Array(n)], { relative: 0, absolute: 0 })
  })

  test('casts truncate, bitcasts keep bits, constants may be infinite', async () => {
    const kernel: LoopKernel = {
      kind: 'loop', bindings: [binding(), binding('i32', true), binding('f32', true)], shape: [64], reduced: 0,
      body: [
        load(0, [1]), { fn: 'cast', args: [0], dtype: 'i32' }, { fn: 'bitcast', args: [0], dtype: 'i32' }, { fn: 'constant', value: -Infinity, dtype: 'f32' },
        { fn: 'constant', value: 0, dtype: 'f32' }, { fn: 'lt', args: [0, 4], dtype: 'bool' }, { fn: 'where', args: [5, 3, 0], dtype: 'f32' }, { fn: 'cast', args: [5], dtype: 'i32' },
      ],
      results: [{ value: 1, access: access(1, [1]) }, { value: 2, access: access(1, [1], 64) }, { value: 7, access: access(1, [1], 128) }, { value: 6, access: access(2, [1]) }],
    }
    await expectLikeInterpreter(device, kernel, [randoms(64, 1, 100), new Int32Array(192), new Float32Array(64)])
  })

  test('f16 storage rounds to the nearest half', async () => {
    if (!device.traits.f16) return expect(() => device.allocate('f16', 4)).toThrow(/use f32/)
    const kernel: LoopKernel = {
      kind: 'loop', bindings: [binding('f16'), binding('f16', true)], shape: [64], reduced: 0,
      body: [load(0, [1], 'f16'), { fn: 'constant', value: 1 / 3, dtype: 'f16' }, { fn: 'mul', args: [0, 1], dtype: 'f16' }], results: [{ value: 2, access: access(1, [1]) }],
    }
    const input: TypedArray = Float32Array.from({ length: 64 }, (_, i) => i / 4)
    const [, out] = await runOnDevice(device, kernel, [input, new Float32Array(64)])
    out.forEach((value, i) => expect(Math.abs(value - input[i] / 3)).toBeLessThanOrEqual(input[i] / 3 / 1024))
  })
})
