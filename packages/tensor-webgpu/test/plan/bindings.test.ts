// No kernel binds more buffers than the device allows, however much could be fused.
import { describe, expect, test } from 'vitest'
import { compile } from '../../src/compile.js'
import { setDefaultDevice } from '../../src/devices/default-device.js'
import type { Device } from '../../src/devices/device.js'
import { createReferenceDevice } from '../../src/devices/reference/reference-device.js'
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

/** An update of three states with five scalars, two of them given and three computed from those: more than eight buffers if each had its own. */
function makeUpdate(device: Device): { step: (rate: number) => Tensor; states: Tensor[]; rate: Tensor } {
  const wave = (shift: number): Tensor => tensor(Float32Array.from({ length: 48 }, (_, i) => Math.sin(i + shift)), { device }).realize()
  const states = [wave(0), wave(1), wave(2)]
  const [gradient, rate] = [wave(3), tensor(0.5, { device }).realize()]
  const step = compile((share: Tensor) => {
    const [factor, size, bias] = [gradient.square().sum().sqrt(), rate.mul(share).exp(), rate.add(share).sum()]
    const m = states[0].mul(share).add(gradient.div(factor))
    const v = states[1].mul(rate).add(gradient.square().mul(bias))
    states[0].assign(m)
    states[1].assign(v)
    states[2].assign(states[2].sub(m.mul(size).div(v.abs().sqrt().add(rate).add(bias))))
    return m.sum()
  }, { device })
  return { step, states, rate }
}

describe('scalars of a kernel that would bind too much', () => {
  const device = new InterpretedDevice()
  device.maxBindings = 6

  test('lie side by side under one binding', () => {
    makeUpdate(device).step(0.25)
    const update = device.plans[device.plans.length - 1].steps.find(({ kernel }) => kernel.bindings.filter(({ written }) => written).length >= 3)
    expect(update?.kernel.bindings.length).toBeLessThanOrEqual(6)
    expect(device.plans.some(({ preloads }) => preloads.length === 2)).toBe(true)
  })

  test('are read anew at every run', async () => {
    const reference = createReferenceDevice()
    const [planned, expected] = [makeUpdate(device), makeUpdate(reference)]
    for (const share of [0.25, 0.75, 0.1]) {
      for (const { step, rate } of [planned, expected]) {
        step(share)
        rate.write(Float32Array.of(share + 0.5))
      }
      for (const [i, state] of planned.states.entries()) {
        const want = await expected.states[i].data()
        ;[...(await state.data())].forEach((value, at) => expect(value).toBeCloseTo(want[at], 6))
      }
    }
  })

  test('keep storages of their own where there are bindings enough', () => {
    const roomy = new InterpretedDevice()
    roomy.maxBindings = 16
    makeUpdate(roomy).step(0.25)
    for (const { preloads } of roomy.plans) expect(preloads).toEqual([])
  })
})

test('arguments that are numbers lie in one buffer, written once a call', async () => {
  const device = new InterpretedDevice()
  device.maxBindings = 4
  const written: number[] = []
  const { write } = device
  device.write = (storage, data) => {
    written.push(data.length)
    write(storage, data)
  }
  const x = tensor([1, 2, 3], { device })
  const polynomial = compile((c: { a: Tensor; b: Tensor }, shift: Tensor, scale: Tensor) => x.mul(c.a).add(c.b).sub(shift).mul(scale), { device })
  written.splice(0)
  expect([...(await polynomial({ a: 2, b: 3 }, 4, 10).data())]).toEqual([10, 30, 50])
  expect([...(await polynomial({ a: 1, b: 0 }, tensor(1, { device }), -1).data())]).toEqual([-0, -1, -2])
  expect(written).toEqual([4, 1, 3])
  expect(device.plans.every(({ steps }) => steps.length === 1)).toBe(true)
})
