// No kernel binds more buffers than the device allows, however much could be fused.
import { expect, test } from 'vitest'
import { setDefaultDevice } from '../../src/devices/default-device.js'
import { concat, tensor } from '../../src/functions.js'
import type { Tensor } from '../../src/tensor.js'
import { InterpretedDevice } from './interpreted-device.js'

test.each([3, 4, 5, 8, 12])('a sum of 20 tensors, used twice and concatenated, fits %i bindings', async maxBindings => {
  const device = new InterpretedDevice()
  device.maxBindings = maxBindings
  setDefaultDevice(device)
  const many = Array.from({ length: 20 }, (_, i) => tensor([i, 1, 2, 3]))
  const partial: Tensor[] = []
  const total = many.reduce((sum, next) => {
    partial.push(sum.mul(2))
    return sum.add(next)
  })
  const joined = concat([total, ...partial, total.exp()])
  const data = await joined.data()
  expect([...data].slice(0, 4)).toEqual([190, 20, 40, 60])
  expect([...data].slice(76, 80)).toEqual([342, 38, 76, 114])
  for (const plan of device.plans) for (const { kernel, label } of plan.steps) expect(kernel.bindings.length, label).toBeLessThanOrEqual(maxBindings)
})
