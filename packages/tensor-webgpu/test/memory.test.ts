// Memory without discipline: bounded in a loop that never disposes, accounted by line, limited by a budget, freed by scopes.
import { beforeAll, describe, expect, test } from 'vitest'
import { DeviceError, memory, recordSites, requestDevice, scope, setDefaultDevice, setMemoryBudget, tensor, zeros, type Device } from '../src/index.js'

describe.each(['reference', 'wasm'] as const)('memory on %s', kind => {
  let device: Device
  beforeAll(async () => {
    device = await requestDevice(kind, { threads: 1 })
    setDefaultDevice(device)
  })
  const live = (): number => device.counts.liveBytes

  test('dispose and using free at once', async () => {
    const before = live()
    {
      using x = tensor(new Float32Array(1000), { shape: [1000] })
      expect(live()).toBeGreaterThan(before)
      await x.sum().data()
    }
    const y = tensor(new Float32Array(4000), { shape: [4000] })
    const withY = live()
    y.dispose()
    expect(live()).toBeLessThanOrEqual(withY - 16000)
  })

  test('a scope frees what it computed but what it gives out and what was assigned', async () => {
    const state = zeros([1000]).realize()
    const before = live()
    const total = await scope(async () => {
      const big = tensor(new Float32Array(50_000), { shape: [50_000] })
      const doubled = big.add(1).realize()
      state.assign(state.add(2))
      await doubled.data()
      return doubled.sum()
    })
    expect(live() - before).toBeLessThan(20_000)
    expect(await total.item()).toBe(50_000)
    expect((await state.data())[999]).toBe(2)
  })

  test('a scope that throws frees too, and passes the error on', () => {
    const before = live()
    expect(() => scope(() => {
      tensor(new Float32Array(50_000), { shape: [50_000] })
      throw new RangeError('mine')
    })).toThrow('mine')
    expect(live()).toBe(before)
  })

  test('the report names the line that made a tensor', () => {
    recordSites()
    const x = tensor(new Float32Array(12_345), { shape: [12_345] })
    recordSites(false)
    const site = memory(device).sites.find(({ bytes }) => bytes === 12_345 * 4)
    expect(site?.site).toContain('memory.test.ts')
    x.dispose()
    expect(memory(device).sites.some(({ bytes }) => bytes === 12_345 * 4)).toBe(false)
  })

  test('exceeding a budget is an error that names the largest tensors', () => {
    const big = tensor(new Float32Array(70_000), { shape: [70, 1000] })
    setMemoryBudget(device, live() + 1000)
    expect(() => tensor(new Float32Array(9000), { shape: [9000] })).toThrow(/memory: .* may use .*\(70, 1000\) f32/)
    expect(() => tensor(new Float32Array(9000), { shape: [9000] })).toThrow(DeviceError)
    setMemoryBudget(device, Infinity)
    expect(tensor([1]).shape).toEqual([1])
    big.dispose()
  })

  test('10,000 steps without a dispose stay within a bound', async () => {
    const weight = zeros([64, 64])
    let highest = 0
    for (let step = 0; step < 10_000; step++) {
      const x = tensor(new Float32Array(64 * 64).fill(step % 7), { shape: [64, 64] })
      weight.assign(weight.mul(0.5).add(x))
      await weight.mean().item()
      highest = Math.max(highest, live())
    }
    // Without collection 10,000 steps would leave 330 MB (660 MB on the reference).
    expect(highest).toBeLessThan(300e6)
  }, 120_000)
})
