// Packed tensors stay ordinary tensors to whoever holds them.
import { beforeAll, describe, expect, test } from 'vitest'
import { compile } from '../src/compile.js'
import { setDefaultDevice } from '../src/devices/default-device.js'
import type { Device } from '../src/devices/device.js'
import { createReferenceDevice } from '../src/devices/reference/reference-device.js'
import { tensor } from '../src/functions.js'
import { Tensor } from '../src/tensor.js'
import { InterpretedDevice } from './plan/interpreted-device.js'

const devices: [string, () => Device][] = [
  ['reference', createReferenceDevice],
  ['interpreted plan', () => new InterpretedDevice()],
]

describe.each(devices)('packing on %s', (_, open) => {
  const device = open()
  beforeAll(() => setDefaultDevice(device))
  const pair = (): [Tensor, Tensor] => [tensor([[1, 2], [3, 4]]), tensor([5, 6, 7])]

  test('values and shapes stay', async () => {
    const [a, b] = pair()
    const flat = Tensor.pack([a, b])
    expect(flat.shape).toEqual([256])
    expect(await a.array()).toEqual([[1, 2], [3, 4]])
    expect(await b.array()).toEqual([5, 6, 7])
    expect([...(await flat.data())].slice(126, 132)).toEqual([0, 0, 5, 6, 7, 0])
  })

  test('an assignment to the whole is seen through the windows', async () => {
    const [a, b] = pair()
    const flat = Tensor.pack([a, b])
    flat.assign(flat.mul(10))
    expect(await b.array()).toEqual([50, 60, 70])
    expect(await a.sum().item()).toBe(100)
  })

  test('assignments and writes to windows are seen in the whole and leave the others alone', async () => {
    const [a, b] = pair()
    const flat = Tensor.pack([a, b])
    b.assign(b.add(1))
    a.write(Float32Array.of(9, 8, 7, 6))
    expect(await a.array()).toEqual([[9, 8], [7, 6]])
    expect(await b.array()).toEqual([6, 7, 8])
    expect([...(await flat.data())].slice(126, 132)).toEqual([0, 0, 6, 7, 8, 0])
  })

  test('a compiled update of the whole changes the windows in place, also for functions compiled before packing', async () => {
    const [a, b] = pair()
    const total = compile((x: Tensor) => a.sum().add(b.sum()).mul(x))
    expect(await total(1).item()).toBe(28)
    const flat = Tensor.pack([a, b])
    const step = compile((rate: Tensor) => {
      flat.assign(flat.mul(rate))
      return a.sum()
    })
    expect(await step(2).item()).toBe(20)
    expect(await total(1).item()).toBe(56)
    expect(await step(2).item()).toBe(40)
    expect(await b.array()).toEqual([20, 24, 28])
    expect(await total(1).item()).toBe(112)
  })

  test('reading a window does not freeze it in functions compiled afterwards', async () => {
    const [a, b] = pair()
    const flat = Tensor.pack([a, b])
    await a.data()
    const doubled = compile((x: Tensor) => a.mul(x))
    expect(await doubled(1).array()).toEqual([[1, 2], [3, 4]])
    flat.assign(flat.add(1))
    expect(await doubled(1).array()).toEqual([[2, 3], [4, 5]])
  })

  test('a compiled assignment to one window leaves the others', async () => {
    const [a, b] = pair()
    Tensor.pack([a, b])
    const bump = compile((x: Tensor) => {
      b.assign(b.add(x))
      return b.sum()
    })
    expect(await bump(1).item()).toBe(21)
    expect(await bump(1).item()).toBe(24)
    expect(await a.array()).toEqual([[1, 2], [3, 4]])
  })

  test('a tensor can be packed once', () => {
    const [a, b] = pair()
    Tensor.pack([a])
    expect(() => Tensor.pack([a, b])).toThrow('pack')
  })
})
