// A parameter updated in place by the very kernel that reads it: a matmul's epilogue, however the device cuts the product up, and a row with its sums.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { expect, test } from 'vitest'
import { compile, requestDevice, tensor, type Device, type Tensor } from '../src/index.js'

const whole = (shape: [number, number], modulus: number, device: Device): Tensor =>
  tensor(Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => (i % modulus) - (modulus >> 1)), { shape, device }).realize()

async function product(device: Device, [m, n, k]: readonly number[]): Promise<number[]> {
  const [w, a, b] = [whole([m, n], 7, device), whole([m, k], 5, device), whole([k, n], 3, device)]
  compile(() => void w.assign(a.matmul(b).mul(w)), { device })()
  return [...(await w.data())]
}

async function rows(device: Device, [count, length]: readonly number[]): Promise<number[]> {
  const [p, q] = [whole([count, length], 7, device), whole([count, length], 5, device)]
  const sums = compile(() => {
    p.assign(p.mul(q).add(p.sum({ axis: 1, keepdim: true })))
    return p.square().sum({ axis: 1 })
  }, { device })()
  return [...(await sums.data()), ...(await p.data())]
}

const cases = [
  ['a product', product, [64, 64, 1000]], ['a long product', product, [16, 16, 4096]], ['an odd product', product, [33, 47, 513]], ['few rows', product, [3, 200, 300]], ['a few columns', product, [200, 3, 300]],
  ['rows', rows, [40, 100]], ['one row', rows, [1, 1000]], ['short rows', rows, [300, 7]],
] as const

async function compare(open: () => Promise<Device>, fn: (typeof cases)[number][1], sizes: readonly number[]): Promise<void> {
  const [device, reference] = [await open(), await requestDevice('reference')]
  expect(await fn(device, sizes)).toEqual(await fn(reference, sizes))   // whole numbers: every device is exact
  device.close()
}

test.each(cases)('%s, on wasm', async (_, fn, sizes) => {
  for (const threads of [1, 2]) await compare(() => requestDevice('wasm', { threads }), fn, sizes)
})

describeOnAdapters('in place', ({ gpu }) => {
  test.each(cases)('%s', (_, fn, sizes) => compare(() => requestDevice('webgpu', { gpu }), fn, sizes))
})
