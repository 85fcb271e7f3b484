import { afterAll, beforeAll, describe, test } from 'vitest'
import { requestWasmDevice, type WasmDevice } from '../../src/devices/wasm/wasm-device.js'
import type { ScatterAddKernel } from '../../src/plan/kernel.js'
import { expectSame, random } from './run-kernel.js'

let device: WasmDevice
beforeAll(async () => {
  device = await requestWasmDevice({ threads: 2 })
})
afterAll(() => device.close())

function scatter(outer: number, count: number, inner: number, size: number, perElement: boolean, transposed = false): ScatterAddKernel {
  return {
    kind: 'scatterAdd',
    bindings: [{ dtype: 'i32', written: false }, { dtype: 'f32', written: false }, { dtype: 'f32', written: true }],
    outer, count, inner, size,
    index: { binding: 0, offset: 0, strides: perElement ? [count * inner, inner, 1] : [count, 1, 0] },
    source: { binding: 1, offset: 0, strides: transposed ? [count * inner, 1, count] : [count * inner, inner, 1] },
    out: { binding: 2, offset: 0, strides: transposed ? [size * inner, 1, size] : [size * inner, inner, 1] },
  }
}

const dataFor = ({ outer, count, inner, size }: ScatterAddKernel): number[][] => {
  const make = random(11)
  // some indices lie outside and are clamped
  return [make(outer * count * inner, -1, size + 1).map(Math.floor), make(outer * count * inner), new Array(outer * size * inner).fill(7)]
}

describe('scatterAdd', () => {
  test.each([[1, 257, 33, 31], [3, 31, 128, 5], [2, 7, 1, 3], [1, 0, 8, 4], [33, 3, 3, 1], [0, 2, 2, 2]])('of %i × %i × %i into %i', async (outer, count, inner, size) => {
    for (const perElement of [false, true])
      for (const transposed of [false, true]) {
        const kernel = scatter(outer, count, inner, size, perElement, transposed)
        await expectSame(device, kernel, dataFor(kernel), 1e-5)
      }
  })
})
