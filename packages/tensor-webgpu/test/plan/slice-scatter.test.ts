// Slices written into tensors that a compiled function updates: in place where nobody needs what they overwrite, and right in any case.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compile, requestDevice, ShapeError, tensor, type Device, type Tensor } from '../../src/index.js'
import { createReferenceDevice } from '../../src/devices/reference/reference-device.js'
import { RandomStream } from '../../src/random.js'
import { InterpretedDevice } from './interpreted-device.js'

const counting = (shape: readonly number[], device: Device, from = 0): Tensor => tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => from + i), { shape, dtype: 'f32', device })
const place = (at: number, device: Device): Tensor => tensor(at, { dtype: 'i32', device })

describe('a planned slice', () => {
  const device = new InterpretedDevice()
  const steps = (): string[] => (device.plans.at(-1)?.steps ?? []).map(({ kernel, label }) => `${label} over ${kernel.kind === 'loop' ? kernel.shape.join('x') : kernel.kind}`)

  test('assigned to its own tensor touches its own places only', async () => {
    const cache = counting([2, 6, 3], device)
    const append = compile((at: Tensor, rows: Tensor) => void cache.assign(cache.sliceScatter(1, at, rows)))
    for (const at of [0, 4, 5]) append(place(at, device), counting([2, 1, 3], device, 100 * at))
    expect(steps()).toEqual(['slice scatter over 2x1x3'])
    expect(device.plans.at(-1)?.arenaBlocks).toEqual([])
    const all = [...(await cache.data())]
    expect(all.slice(0, 3)).toEqual([0, 1, 2])
    expect(all.slice(12, 18)).toEqual([400, 401, 402, 500, 501, 502])
    expect(all.slice(30)).toEqual([403, 404, 405, 503, 504, 505])
  })

  test('is read by what comes after it, in the same tensor', async () => {
    const cache = counting([4], device)
    const sum = compile((at: Tensor, rows: Tensor) => {
      cache.assign(cache.sliceScatter(0, at, rows))
      return cache.sum()
    })
    expect(await sum(place(1, device), counting([2], device, 10)).item()).toBe(0 + 10 + 11 + 3)
    expect(await sum(place(2, device), counting([2], device, 20)).item()).toBe(0 + 10 + 20 + 21)
    expect(steps()).toEqual(['slice scatter over 2', 'sum over 4'])
  })

  test('several of them into one tensor are all in place', async () => {
    const cache = counting([8], device)
    const append = compile((at: Tensor, a: Tensor, b: Tensor) => void cache.assign(cache.sliceScatter(0, at, a).sliceScatter(0, at.add(4), b)))
    append(place(0, device), counting([2], device, 50), counting([1], device, 90))
    expect(steps().filter(step => step.startsWith('copy'))).toEqual([])
    expect([...(await cache.data())]).toEqual([50, 51, 2, 3, 90, 5, 6, 7])
  })

  test('leaves a result that was there before as it was', async () => {
    const cache = counting([4], device)
    const swap = compile((at: Tensor, rows: Tensor) => {
      const before = cache.mul(1)
      cache.assign(cache.sliceScatter(0, at, rows))
      return { before, doubled: cache.mul(2) }
    })
    const { before, doubled } = swap(place(3, device), counting([1], device, 9))
    expect([...(await before.data())]).toEqual([0, 1, 2, 3])
    expect([...(await doubled.data())]).toEqual([0, 2, 4, 18])
    expect([...(await cache.data())]).toEqual([0, 1, 2, 9])
  })

  test('may be taken from the tensor it is written to', async () => {
    const ring = counting([5], device)
    compile((start: Tensor) => void ring.assign(ring.sliceScatter(0, start, ring.narrow(0, 1, 4))))(place(0, device))
    expect([...(await ring.data())]).toEqual([1, 2, 3, 4, 4])
  })

  test('of another tensor is copied with it', async () => {
    const [from, to] = [counting([4], device), counting([4], device, 100)]
    compile((at: Tensor) => void to.assign(from.sliceScatter(0, at, to.narrow(0, 0, 2))))(place(1, device))
    expect([...(await to.data())]).toEqual([0, 100, 101, 3])
    expect([...(await from.data())]).toEqual([0, 1, 2, 3])
  })

  test('assigned outside of a compiled function gives the same, as a new value', async () => {
    const cache = counting([4], device)
    const before = cache.mul(1)
    cache.assign(cache.sliceScatter(0, place(2, device), counting([2], device, 50)))
    expect([...(await cache.data())]).toEqual([0, 1, 50, 51])
    expect([...(await before.data())]).toEqual([0, 1, 2, 3])
  })

  test('of an intermediate result is written over it', async () => {
    const written = compile((x: Tensor, at: Tensor) => x.mul(2).sliceScatter(0, at, x.narrow(0, 0, 1)).add(1))
    expect([...(await written(counting([4], device), place(2, device)).data())]).toEqual([1, 3, 1, 7])
    expect(steps().map(step => step.split(' over')[0])).toEqual(['mul', 'slice scatter', 'add'])
  })

  test('that does not fit is an error where the place is known', () => {
    const x = counting([4, 3], device)
    expect(() => x.sliceScatter(0, 3, counting([2, 3], device))).toThrow(ShapeError)
    expect(() => x.sliceScatter(0, 3, counting([2, 3], device))).toThrow('sliceScatter: start must be an integer from 0 to 2, so that 2 places fit in 4, got 3')
    expect(() => x.sliceScatter(0, 0, counting([2, 2], device))).toThrow('values must have the operand\'s shape')
    expect(() => x.sliceScatter(0, counting([2], device).to('i32'), counting([2, 3], device))).toThrow('start must be one number')
  })
})

/** Tensors updated by slices again and again, with reads before, between and after; the values they end with. */
async function randomUpdates(seed: number, device: Device): Promise<number[]> {
  const random = new RandomStream(seed)
  const cells = [counting([4, 6, 5], device), counting([4, 6, 5], device, 1000)]
  const pick = <T>(from: readonly T[]): T => from[random.integer(from.length)]
  const step = compile((at: Tensor, x: Tensor) => {
    const values: Tensor[] = [x]
    for (let i = 0; i < 6; i++) {
      const [cell, other] = [pick(cells), pick(cells)]
      const axis = random.integer(3)
      const size = 1 + random.integer(2)
      const start = pick([at, at.add(1), at.mul(0)])
      const source = pick([...values, other])
      const kind = random.integer(4)
      if (kind === 0) values.push(cell.mul(0.5).add(source))
      else if (kind === 1) values.push(cell.sum({ axis, keepdim: true }).add(cell))
      else if (kind === 2) cell.assign(cell.sliceScatter(axis, start, source.narrow(axis, random.integer(3), size)))
      else cell.assign(other.sliceScatter(axis, start, source.narrow(axis, 1, size)).sliceScatter(axis, at, other.narrow(axis, 2, 1)))
    }
    return values[values.length - 1].sum({ axis: 0 })
  }, { device })
  const seen: number[] = []
  for (const at of [0, 3, 1]) seen.push(...(await step(place(at, device), counting([4, 6, 5], device, at).mul(0.01)).data()))
  for (const cell of cells) seen.push(...(await cell.data()))
  step.dispose()
  return seen
}

function expectClose(got: readonly number[], want: readonly number[]): void {
  expect(got.length).toBe(want.length)
  got.forEach((value, i) => expect(Math.abs(value - want[i]), `element ${i}: got ${value}, want ${want[i]}`).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(want[i]))))
}

test.each(Array.from({ length: 150 }, (_, seed) => seed))('updates drawn with seed %i end as on the reference', async seed => {
  const device = new InterpretedDevice()
  device.maxBindings = 4 + (seed % 5)
  expectClose(await randomUpdates(seed, device), await randomUpdates(seed, createReferenceDevice()))
})

describe('on wasm', () => {
  let device: Device
  beforeAll(async () => void (device = await requestDevice('wasm')))
  afterAll(() => device.close())
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('updates drawn with seed %i end as on the reference', async seed => {
    expectClose(await randomUpdates(seed, device), await randomUpdates(seed, createReferenceDevice()))
  })
})

describeOnAdapters('on webgpu', adapter => {
  let device: Device
  beforeAll(async () => void (device = await requestDevice('webgpu', { gpu: adapter.gpu })))
  afterAll(() => device.close())
  test('updates end as on the reference', async () => {
    for (const seed of [1, 2, 3]) expectClose(await randomUpdates(seed, device), await randomUpdates(seed, createReferenceDevice()))
  })
})
