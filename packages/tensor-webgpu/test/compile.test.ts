// A compiled function must give what the same function gives uncompiled, whatever changes between calls.
import { beforeAll, describe, expect, test } from 'vitest'
import { compile } from '../src/compile.js'
import { setDefaultDevice } from '../src/devices/default-device.js'
import { createReferenceDevice } from '../src/devices/reference/reference-device.js'
import type { Device } from '../src/devices/device.js'
import { DisposedError } from '../src/errors.js'
import { rand, tensor, zeros } from '../src/functions.js'
import type { Tensor } from '../src/tensor.js'
import { InterpretedDevice } from './plan/interpreted-device.js'

const devices: [string, () => Device][] = [
  ['reference', createReferenceDevice],
  ['interpreted plan', () => new InterpretedDevice()],
]

describe.each(devices)('compile on %s', (_, open) => {
  const device = open()
  // Some of the functions here take numbers only.
  beforeAll(() => setDefaultDevice(device))
  const vector = (...values: number[]): Tensor => tensor(values, { device })

  test('a number argument may change without a new trace', async () => {
    let traces = 0
    const scale = compile((x: Tensor, rate: Tensor) => {
      traces++
      return x.mul(rate)
    })
    expect([...(await scale(vector(1, 2), 3).data())]).toEqual([3, 6])
    expect([...(await scale(vector(1, 2), 5).data())]).toEqual([5, 10])
    expect(traces).toBe(1)
  })

  test('another shape is traced anew', async () => {
    const total = compile((x: Tensor) => x.sum())
    expect(await total(vector(1, 2)).item()).toBe(3)
    expect(await total(vector(1, 2, 3)).item()).toBe(6)
    expect(await total(vector(4, 5)).item()).toBe(9)
  })

  test('an assigned capture is updated in place, and the return value sees the new value', async () => {
    const w = vector(1, 2, 3)
    const step = compile((x: Tensor) => {
      w.assign(w.sub(x))
      return w.sum()
    })
    expect(await step(vector(1, 1, 1)).item()).toBe(3)
    expect(await step(vector(1, 1, 1)).item()).toBe(0)
    expect([...(await w.data())]).toEqual([-1, 0, 1])
  })

  test('a value returned from before the assignment is the old one', async () => {
    const w = vector(1, 2)
    const step = compile((x: Tensor) => {
      const before = w.mul(1)
      w.assign(w.add(x))
      return { before, after: w }
    })
    const first = step(vector(10, 10))
    const second = step(vector(10, 10))
    expect([...(await first.before.data())]).toEqual([1, 2])
    expect([...(await first.after.data())]).toEqual([11, 12])
    expect([...(await second.before.data())]).toEqual([11, 12])
    expect([...(await second.after.data())]).toEqual([21, 22])
  })

  test('two captures may be swapped', async () => {
    const a = vector(1, 2)
    const b = vector(3, 4)
    const swap = compile((x: Tensor) => {
      const held = a.add(0)
      a.assign(b)
      b.assign(held)
      return x
    })
    swap(vector(0))
    expect([...(await a.data()), ...(await b.data())]).toEqual([3, 4, 1, 2])
    swap(vector(0))
    expect([...(await a.data()), ...(await b.data())]).toEqual([1, 2, 3, 4])
  })

  test('an assignment that moves elements reads all of them first', async () => {
    const w = tensor([[1, 2], [3, 4]], { device })
    const turn = compile((x: Tensor) => {
      w.assign(w.transpose().add(x))
      return x
    })
    turn(vector(10))
    expect(await w.array()).toEqual([[11, 13], [12, 14]])
  })

  test('a constant start value becomes a storage of its own', async () => {
    const count = zeros([], { device })
    const again = compile((x: Tensor) => {
      count.assign(count.add(1))
      return count.mul(x)
    })
    expect(await again(2).item()).toBe(2)
    expect(await again(2).item()).toBe(4)
  })

  test('eager assignments between calls are seen', async () => {
    const w = vector(1, 1)
    const read = compile((x: Tensor) => w.mul(x))
    expect([...(await read(2).data())]).toEqual([2, 2])
    w.assign(w.add(4))
    expect([...(await read(2).data())]).toEqual([10, 10])
    w.write(Float32Array.of(7, 8))
    expect([...(await read(2).data())]).toEqual([14, 16])
  })

  test('an uncomputed tensor built on an updated value says so instead of giving the new value', async () => {
    const w = vector(1, 2)
    const lazy = w.mul(2)
    const kept = w.mul(3).realize()
    const step = compile((x: Tensor) => {
      w.assign(w.add(x))
      return x
    })
    step(vector(1, 1))
    await expect(lazy.data()).rejects.toThrow(DisposedError)
    expect([...(await kept.data())]).toEqual([3, 6])
  })

  test('a seed that is an argument gives new numbers at each call', async () => {
    const draw = compile((seed: Tensor) => rand([4], { seed: seed.to('u32'), device }))
    const [a, b, again] = [await draw(1).array(), await draw(2).array(), await draw(1).array()]
    expect(a).not.toEqual(b)
    expect(a).toEqual(again)
  })

  test('two compiled functions may update the same tensor in turn', async () => {
    const w = vector(1)
    const add = compile((x: Tensor) => {
      w.assign(w.add(x))
      return w
    })
    const double = compile((x: Tensor) => {
      w.assign(w.mul(x))
      return w
    })
    add(1)
    double(3)
    add(1)
    expect([...(await w.data())]).toEqual([7])
  })

  test('arguments that are neither tensors nor numbers, and how they are grouped, are traced apart', async () => {
    const scale = compile((x: Tensor, how: 'double' | 'negate') => (how === 'double' ? x.mul(2) : x.neg()))
    expect(await scale(vector(1), 'double').array()).toEqual([2])
    expect(await scale(vector(1), 'negate').array()).toEqual([-1])
    const count = compile((left: readonly Tensor[], right: readonly Tensor[]) => left[0].mul(left.length).add(right[0].mul(10 * right.length)))
    expect(await count([vector(1)], [vector(1), vector(1)]).array()).toEqual([21])
    expect(await count([vector(1), vector(1)], [vector(1)]).array()).toEqual([12])
  })

  test('a compiled function called in another becomes a part of it', async () => {
    const state = vector(1)
    const advance = compile((by: Tensor) => {
      state.assign(state.add(by))
      return state
    })
    const twice = compile((by: Tensor) => {
      const first = advance(by)
      advance(2)
      return [first, state.mul(10)]
    })
    const [first, last] = twice(1)
    expect([await first.array(), await last.array(), await state.array()]).toEqual([[2], [40], [4]])
    expect(await advance(1).array()).toEqual([5])
  })

  test('an async function is an error', () => {
    const later = compile(async (x: Tensor) => Number(await x.item()))
    expect(() => later(vector(1))).toThrow(/compile: the function must give its tensors at once, got a promise; /)
  })

  test('reading inside the function is an error', () => {
    const bad = compile((x: Tensor) => x.mul(2).realize())
    expect(() => bad(vector(1))).toThrow('cannot be read while a compiled function is traced')
  })

  test('a disposed argument is an error', () => {
    const f = compile((x: Tensor) => x.mul(2))
    const x = vector(1)
    x.dispose()
    expect(() => f(x)).toThrow('dispose')
  })
})
