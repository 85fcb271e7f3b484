// First and second gradients of every operation in the table, on the devices that plan and fuse, against the float64 reference.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { compile, requestDevice, tensor, Tensor, type Device } from '@abovo/tensor-webgpu'
import { differentiate } from '../src/grad.ts'
import { allFinite } from '../src/optim/finite.ts'
import { compositeCases, elementwiseCases, primitiveCases, samplesOf, type Case } from './gradcheck-cases.ts'

const cases = [...elementwiseCases, ...primitiveCases, ...compositeCases]

// Software adapters take up to a tenth of a second to compile a kernel: these cases touch every rule once. ABOVO_ALL_CASES=1 runs all.
const everyFunction: Case = {
  name: 'all elementwise functions at once',
  inputs: [{ shape: [9], low: 0.3, high: 2 }, { shape: [9], low: 2.1, high: 3 }],
  fn: (a, b) => elementwiseCases.map(one => (one.inputs.length === 2 ? one.fn(a, b) : one.fn(a))).flatMap(outputsOf).reduce((sum, y) => sum.add(y)),
}
const chosen = ['where', 'expand', 'slice with steps', 'slice backwards', 'pad', 'concat', 'prod with zeros', 'max', 'matmul with a shared weight', 'matmul with broadcast batches', 'gather', 'scatterAdd', 'attention, grouped and causal', 'crossEntropy, smoothed, one row ignored', 'layerNorm', 'cumsum']
const casesOnWebgpu = process.env.ABOVO_ALL_CASES ? cases : [everyFunction, ...cases.filter(one => chosen.includes(one.name))]
const isFloat = (x: Tensor): boolean => x.dtype === 'f32'
const outputsOf = (value: unknown): Tensor[] => (Tensor.isTensor(value) ? [value] : Object.values(value as object).flatMap(outputsOf))

async function gradientsOf(one: Case, device: Device): Promise<Float64Array[]> {
  const run = compile((inputs: readonly Tensor[]) => {
    const outputs = outputsOf(one.fn(...inputs)).filter(isFloat)
    const seeds = outputs.map(output => tensor(Float32Array.from({ length: output.size }, (_, i) => Math.sin(i + 1)), { shape: output.shape, device }))
    const wrt = inputs.filter(isFloat)
    const first = differentiate('test', outputs, seeds, wrt, { allowUnused: true })
    const second = differentiate('test', first, wrt.map(x => x.mul(0.5).cos()), wrt, { allowUnused: true })
    return [...outputs, ...first, ...second]
  })
  const results = run(samplesOf(one, device))
  return Promise.all(results.map(async x => Float64Array.from(await x.data())))
}

let reference: Device
beforeAll(async () => {
  reference = await requestDevice('reference')
})

describe('on wasm', () => {
  let wasm: Device
  beforeAll(async () => {
    wasm = await requestDevice('wasm', { threads: 2 })
  })
  afterAll(() => wasm.close())

  test.each(cases.map(one => [one.name, one] as const))('%s', async (_, one) => {
    const [expected, got] = [await gradientsOf(one, reference), await gradientsOf(one, wasm)]
    got.forEach((values, i) => expectClose(values, expected[i], 2e-5))
  })
})

describeOnAdapters('on webgpu', adapter => {
  let device: Device
  beforeAll(async () => {
    device = await requestDevice('webgpu', { adapter: adapter.name === 'lavapipe' ? 'llvmpipe' : adapter.name })
  })
  afterAll(() => device?.close())

  test.each(casesOnWebgpu.map(one => [one.name, one] as const))('%s', async (_, one) => {
    const [expected, got] = [await gradientsOf(one, reference), await gradientsOf(one, device)]
    got.forEach((values, i) => expectClose(values, expected[i], 1e-4))
  })
  test('finds NaN and infinities, which shaders may assume away', async () => {
    for (const value of [NaN, Infinity, -Infinity]) expect(await allFinite([tensor([1, 2], { device }), tensor([0, value, 1], { device })]).item()).toBe(0)
    expect(await allFinite([tensor([1, 3e38], { device })]).item()).toBe(1)
  })
})

function expectClose(got: Float64Array, expected: Float64Array, tolerance: number): void {
  expect(got.length).toBe(expected.length)
  const scale = Math.max(1, ...expected.map(Math.abs))
  got.forEach((value, i) => {
    if (!(Math.abs(value - expected[i]) <= tolerance * scale)) expect.fail(`element ${i}: got ${value}, expected ${expected[i]}`)
  })
}
