// Values that only matmuls read are computed by them as they read, where that is little work.
import { expect, test } from 'vitest'
import { compile } from '../../src/compile.js'
import type { Device } from '../../src/devices/device.js'
import { createReferenceDevice } from '../../src/devices/reference/reference-device.js'
import { full, layerNorm, tensor } from '../../src/functions.js'
import type { MatmulKernel } from '../../src/plan/kernel.js'
import type { Plan } from '../../src/plan/plan.js'
import type { Tensor } from '../../src/tensor.js'
import { InterpretedDevice } from './interpreted-device.js'

const leaf = (shape: readonly number[], seed: number, device: Device): Tensor =>
  tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 1.7 + seed)), { shape, device, dtype: 'f32' })

/** The plan of a function, after its results were compared with the reference's. */
async function planOf(shapes: readonly (readonly number[])[], build: (...args: Tensor[]) => Tensor[], limits: { maxBindings?: number; tileWidth?: number; maxBindingBytes?: number } = {}): Promise<Plan> {
  const device = Object.assign(new InterpretedDevice(), { maxBindings: 16, ...limits })
  const run = (on: Device): Tensor[] => compile((...args: Tensor[]) => build(...args), { device: on })(...shapes.map((shape, i) => leaf(shape, i, on)))
  const [got, want] = [run(device), run(createReferenceDevice())]
  for (const [i, result] of got.entries()) {
    const expected = [...(await want[i].data())]
    ;[...(await result.data())].forEach((value, at) => expect(value, `result ${i}, element ${at}`).toBeCloseTo(expected[at], 8))
  }
  return device.plans[device.plans.length - 1]
}

const matmuls = (plan: Plan): MatmulKernel[] => plan.steps.flatMap(({ kernel }) => (kernel.kind === 'matmul' ? [kernel] : []))
const labels = (plan: Plan): string[] => plan.steps.map(({ label }) => label)

const norm: [number[][], (...args: Tensor[]) => Tensor[]] = [
  [[2, 24, 32], [32], [32], [32, 64]],
  (x, weight, bias, w) => [layerNorm(x, { weight, bias }).matmul(w)],
]

test('a layer norm before a matmul leaves its statistics in memory, not its result', async () => {
  const plan = await planOf(...norm)
  expect(labels(plan)).toEqual(['sum mul sub add rsqrt', 'matmul'])
  const [{ m, prologue }] = matmuls(plan)
  expect(m).toBe(48)
  expect(prologue?.a?.map(({ fn }) => fn)).toEqual(['head', 'load', 'constant', 'mul', 'sub', 'load', 'mul', 'load', 'mul', 'load', 'add'])
  // the statistics: two rows of 48
  const stored = plan.slots.filter(({ external }) => external === null).map(({ length }) => length)
  expect(Math.max(...stored)).toBe(48)
})

test('an activation that forward and backward multiply is stored before it, not after', async () => {
  const plan = await planOf([[32, 16], [16, 64], [64, 64], [32, 64]], (x, w, v, dy) => {
    const h = x.matmul(w)
    const y = h.gelu({ approximate: 'tanh' })
    const dh = dy.matmul(v.transpose()).mul(h.sigmoid())
    return [y.matmul(v), y.transpose().matmul(dy), x.transpose().matmul(dh)]
  }, { tileWidth: 256 })
  const prologues = matmuls(plan).map(({ prologue }) => [prologue?.a, prologue?.b].map(body => body?.at(-1)?.fn ?? '-').join())
  expect(prologues.filter(text => text === 'geluTanh,-')).toHaveLength(2)
  expect(plan.slots.filter(({ external, length }) => external === null && length === 32 * 64)).toHaveLength(2)   // h and dh
})

test('a transposed operand of a batch is computed too', async () => {
  const plan = await planOf([[3, 16, 32], [3, 16, 1], [3, 16, 64]], (x, scale, dy) => [x.mul(scale.tanh()).transpose().matmul(dy)])
  expect(matmuls(plan)[0].prologue?.a?.map(({ fn }) => fn)).toEqual(['head', 'load', 'mul'])
})

test('where tiles are narrow the activation is stored', async () => {
  const build = (x: Tensor, w: Tensor, v: Tensor): Tensor[] => {
    const h = x.matmul(w)
    return [h.sigmoid().matmul(v), h.tanh().sum({ axis: 0 })]
  }
  const shapes = [[32, 16], [16, 64], [64, 64]]
  expect(matmuls(await planOf(shapes, build, { tileWidth: 64 })).some(({ prologue }) => prologue !== undefined)).toBe(true)
  expect(matmuls(await planOf(shapes, build, { tileWidth: 16 })).every(({ prologue }) => prologue === undefined)).toBe(true)
})

test.each([
  ['few columns', [[2, 24, 32], [32], [32], [32, 8]], norm[1]],
  ['a result of its own', norm[0], (x, weight, bias, w) => { const y = layerNorm(x, { weight, bias }); return [y, y.matmul(w)] }],
  ['another reader', norm[0], (x, weight, bias, w) => { const y = layerNorm(x, { weight, bias }); return [y.matmul(w), y.flip(-1).exp()] }],
  ['padding', norm[0], (x, weight, bias, w) => [layerNorm(x, { weight, bias }).pad([[0, 0], [1, 0], [0, 0]]).matmul(w)]],
] as [string, number[][], (...args: Tensor[]) => Tensor[]][])('a normalisation with %s is stored', async (_, shapes, build) => {
  const plan = await planOf(shapes, build)
  expect(matmuls(plan).every(({ prologue }) => prologue === undefined)).toBe(true)
})

test('an operand of nothing but constants is stored', async () => {
  const constants: ((x: Tensor) => Tensor)[] = [
    x => full([32, 32], 2, { device: x.device }).add(full([32, 32], 3, { device: x.device })),
    x => full([32, 32], 2, { device: x.device }).to('i32').to('f32').neg(),
  ]
  for (const constant of constants) expect(matmuls(await planOf([[32, 64]], x => [constant(x).matmul(x)], { tileWidth: Infinity })).every(({ prologue }) => prologue === undefined)).toBe(true)
})

test('a value that is used twice on the way to each next is computed once', async () => {
  const squares = (x: Tensor, times: number): Tensor => (times === 0 ? x : squares(x.mul(x), times - 1))
  const [{ prologue }] = matmuls(await planOf([[32, 32], [32, 64]], (x, w) => [squares(x, 12).matmul(w)], { tileWidth: Infinity }))
  expect(prologue?.a?.map(({ fn }) => fn)).toEqual(['head', ...new Array<string>(12).fill('mul')])
})

test('kernels that compute operands are split where they reach over too much', async () => {
  const plan = await planOf(...norm, { maxBindingBytes: 4096 })
  expect(matmuls(plan).length).toBeGreaterThan(1)
  expect(matmuls(plan).every(({ prologue }) => prologue?.a !== undefined)).toBe(true)
})
