// Values computed again where they are used: at the index that the use names, from halves as they lie in memory.
import { expect, test } from 'vitest'
import { compile } from '../../src/compile.js'
import { createReferenceDevice } from '../../src/devices/reference/reference-device.js'
import type { Device } from '../../src/devices/device.js'
import { tensor } from '../../src/functions.js'
import type { Tensor } from '../../src/tensor.js'
import { InterpretedDevice } from './interpreted-device.js'

const wave = (seed: number, shape: number[], device: Device): Tensor =>
  tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * seed + 1)), { shape, device })

/** The planned device, after results that are the reference's. `half` makes halves there, which the interpreter does not round. */
async function planned(build: (device: Device, half: (x: Tensor) => Tensor) => readonly Tensor[]): Promise<InterpretedDevice> {
  const device = new InterpretedDevice()
  const results = compile(() => build(device, x => x.to('f16')), { device })()
  for (const [i, want] of build(createReferenceDevice(), x => x).entries()) {
    const expected = [...(await want.data())]
    ;[...(await results[i].data())].forEach((value, at) => expect(value).toBeCloseTo(expected[at], 12))
  }
  return device
}

/** Elements of every buffer that a kernel writes. */
const writtenSizes = (device: InterpretedDevice, only?: string): number[] =>
  device.plans[0].steps.flatMap(({ kernel, regions }) => kernel.bindings.flatMap(({ dtype, written }, i) => (written && (only ?? dtype) === dtype ? [regions[i].length] : [])))

test('the first column of a sum, beside sums of rows, is not the sum at other columns', async () => {
  await planned(device => {
    const [a, b, c] = [1, 2, 3].map(seed => wave(seed, [8, 16], device))
    const sum = a.add(b)
    return [sum.narrow(1, 0, 1).mul(c.sum({ axis: 1, keepdim: true })), sum.exp()]
  })
})

test('a row of halves that is spread over two kernels is read in both, and not stored as f32', async () => {
  const device = await planned((device, half) => {
    const [x, y] = [3, 4].map(seed => wave(seed, [64, 32], device))
    const halves = half(wave(5, [8, 8], device)).matmul(half(wave(6, [8, 64], device))).flatten()
    const gain = halves.narrow(0, 32, 32)
    return [x.mul(gain).sum({ axis: 1 }), y.mul(gain).sum({ axis: 0 }), halves.to('f32')]
  })
  expect(writtenSizes(device)).toEqual(expect.not.arrayContaining([64 * 32]))
})

test('what is f32 for a sum alone is stored as the half that it was', async () => {
  const device = await planned((device, half) => {
    const product = half(wave(1, [64, 16], device)).matmul(half(wave(2, [16, 32], device)))
    return [product.to('f32').mul(2).sum({ axis: 1 }), product.to('f32').abs().sum({ axis: 0 })]
  })
  expect(writtenSizes(device, 'f32')).toEqual(expect.not.arrayContaining([64 * 32]))
})
