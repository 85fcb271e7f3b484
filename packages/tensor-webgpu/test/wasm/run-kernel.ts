// Runs one kernel on a WASM device and in the float64 interpreter on the same data, and compares what they wrote.
import { expect } from 'vitest'
// what builds the operations of optional kernels, so that devices load them
import '../../src/graph/build.js'
import type { TypedArray } from '../../src/dtype.js'
import type { Kernel } from '../../src/plan/kernel.js'
import { RandomStream } from '../../src/random.js'
import type { WasmDevice } from '../../src/devices/wasm/wasm-device.js'
import { interpretKernel } from '../interpret-kernel.js'

/** Contents of each binding, as plain numbers. */
export type Data = readonly (readonly number[])[]

export const random = (seed: number): ((count: number, low?: number, high?: number) => number[]) => {
  const stream = new RandomStream(seed)
  return (count, low = -1, high = 1) => Array.from({ length: count }, () => Math.fround(low + stream.uniform() * (high - low)))
}

export async function runOnDevice(device: WasmDevice, kernel: Kernel, data: Data): Promise<TypedArray[]> {
  const storages = kernel.bindings.map(({ dtype }, i) => device.allocate(dtype, data[i].length))
  storages.forEach((storage, i) => device.write(storage, toArray(data[i], storage.dtype)))
  const executable = device.preparePlan({
    slots: storages.map(({ dtype, length }, external) => ({ dtype, length, external, block: 0, arenaOffset: 0 })),
    steps: [{ kernel, regions: storages.map(({ length }, slot) => ({ slot, offset: 0, length })), label: 'test' }],
    preloads: [],
    arenaBlocks: [],
  })
  executable.run(storages)
  const results = await Promise.all(storages.map(storage => device.read(storage)))
  executable.dispose()
  storages.forEach(storage => device.free(storage))
  return results
}

function toArray(values: readonly number[], dtype: string): TypedArray {
  if (dtype === 'f32') return Float32Array.from(values)
  return dtype === 'i32' ? Int32Array.from(values) : Uint32Array.from(values)
}

export function interpret(kernel: Kernel, data: Data): number[][] {
  const memory = data.map(values => [...values])
  interpretKernel(kernel, memory)
  return memory
}

export const same = (a: number, b: number): boolean => Object.is(a, b) || (a === 0 && b === 0)

/** Every element within `tolerance` of the interpreter's, relative to the larger of 1 and its size; integers exactly. */
export async function expectSame(device: WasmDevice, kernel: Kernel, data: Data, tolerance = 2e-6): Promise<void> {
  const got = await runOnDevice(device, kernel, data)
  const want = interpret(kernel, data)
  const wrong: string[] = []
  kernel.bindings.forEach(({ dtype }, binding) => {
    want[binding].forEach((value, i) => {
      const expected = dtype === 'f32' ? Math.fround(value) : value
      const actual = got[binding][i]
      const close = dtype === 'f32' && Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected))
      if (!same(actual, expected) && !close) wrong.push(`binding ${binding} element ${i}: expected ${expected}, got ${actual}`)
    })
  })
  expect(wrong.slice(0, 5), JSON.stringify(kernel)).toEqual([])
}

/** Whether two sets of results are equal to the last bit. */
export const sameBits = (a: readonly TypedArray[], b: readonly TypedArray[]): boolean =>
  a.length === b.length && a.every((array, i) => Buffer.compare(Buffer.from(array.buffer), Buffer.from(b[i].buffer)) === 0)
