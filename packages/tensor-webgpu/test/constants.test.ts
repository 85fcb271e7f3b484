// Constants that JSON cannot tell apart must not be taken for one another, neither in a plan nor between programs.
import { expect, test } from 'vitest'
import { requestDevice, tensor, where } from '../src/index.js'

test.each(['reference', 'wasm'] as const)('Infinity, −Infinity, NaN and −0 stay themselves on %s', async kind => {
  const device = await requestDevice(kind, { threads: 1 })
  const x = tensor([1, -1], { device })
  const pick = async (a: number, b: number): Promise<number[]> => [...(await where(x.gt(0), a, b).data())]
  expect(await pick(Infinity, -Infinity)).toEqual([Infinity, -Infinity])
  expect(await pick(-Infinity, Infinity)).toEqual([-Infinity, Infinity])
  expect(await pick(Number.NaN, Infinity)).toEqual([Number.NaN, Infinity])
  expect(await pick(-0, 0)).toEqual([-0, 0])
  expect(await pick(0, -0)).toEqual([0, -0])
})
