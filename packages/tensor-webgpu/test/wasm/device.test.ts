import { afterEach, describe, expect, test } from 'vitest'
import { requestWasmDevice, type WasmDevice } from '../../src/devices/wasm/wasm-device.js'
import { DeviceError } from '../../src/errors.js'
import type { LoopKernel } from '../../src/plan/kernel.js'
import type { Plan, Step } from '../../src/plan/plan.js'
import { runOnDevice, sameBits } from './run-kernel.js'
import { explainPlan } from '../../src/plan/explain.js'

const open: WasmDevice[] = []
async function device(threads = 1): Promise<WasmDevice> {
  const made = await requestWasmDevice({ threads })
  open.push(made)
  return made
}
afterEach(() => open.splice(0).forEach(made => made.close()))

/** out = x + constant, over n elements. */
const addConstant = (n: number, value: number): LoopKernel => ({
  kind: 'loop',
  bindings: [{ dtype: 'f32', written: false }, { dtype: 'f32', written: true }],
  shape: [n],
  reduced: 0,
  body: [{ fn: 'load', access: { binding: 0, offset: 0, strides: [1] }, dtype: 'f32' }, { fn: 'constant', value, dtype: 'f32' }, { fn: 'add', args: [0, 1], dtype: 'f32' }],
  results: [{ value: 2, access: { binding: 1, offset: 0, strides: [1] } }],
})

/** x → arena → y in two steps, adding 1 and then 10. */
function twoSteps(n: number): Plan {
  const slot = (external: number | null) => ({ dtype: 'f32' as const, length: n, external, block: 0, arenaOffset: 0 })
  const step = (value: number, from: number, to: number): Step => ({
    kernel: addConstant(n, value),
    regions: [{ slot: from, offset: 0, length: n }, { slot: to, offset: 0, length: n }],
    label: `add ${value}`,
  })
  return { slots: [slot(0), slot(1), slot(null)], steps: [step(1, 0, 2), step(10, 2, 1)], preloads: [], arenaBlocks: [n * 4] }
}

describe('storages', () => {
  test('give back what was written, by element type', async () => {
    const d = await device()
    const cases = [['f32', new Float32Array([1.5, -2])], ['i32', new Int32Array([-1, 2 ** 31 - 1])], ['u32', new Uint32Array([2 ** 32 - 1, 0])], ['bool', new Uint8Array([1, 0])]] as const
    for (const [dtype, data] of cases) {
      const storage = d.allocate(dtype, 2)
      d.write(storage, data)
      expect(await d.read(storage)).toEqual(data)
    }
  })

  test.each([1, 2])('keep their contents when the memory grows (%i threads)', async threads => {
    const d = await device(threads)
    const small = d.allocate('f32', 3)
    d.write(small, new Float32Array([1, 2, 3]))
    const large = d.allocate('f32', 20e6)
    d.write(large, new Float32Array(20e6).fill(4))
    expect(await d.read(small)).toEqual(new Float32Array([1, 2, 3]))
    expect((await d.read(large))[20e6 - 1]).toBe(4)
  })

  test('lie in memory of their own once read', async () => {
    const d = await device(2)
    const storage = d.allocate('f32', 4)
    const data = await d.read(storage)
    expect(data.buffer).toBeInstanceOf(ArrayBuffer)
    expect(data.byteLength).toBe(data.buffer.byteLength)
  })

  test('are counted, and freed bytes are used again', async () => {
    const d = await device()
    const before = d.counts.liveBytes
    const storage = d.allocate('f32', 1000)
    expect(d.counts.liveBytes).toBe(before + 4032)
    d.free(storage)
    d.free(storage)
    expect(d.counts.liveBytes).toBe(before)
    const pages = d.memory.buffer.byteLength
    for (let i = 0; i < 1000; i++) d.free(d.allocate('f32', 500e3))
    expect(d.memory.buffer.byteLength).toBe(pages)
  })

  test('that cannot fit are refused by name and size', async () => {
    const d = await device()
    expect(() => d.allocate('f32', 2 ** 31)).toThrow(/8192.0 MiB.*dispose tensors/)
    expect(() => d.allocate('f32', 2 ** 31)).toThrow(DeviceError)
    // and the device goes on
    expect(await d.read(d.allocate('i32', 1))).toHaveLength(1)
  })

  test('of another device or freed are refused', async () => {
    const [d, other] = [await device(), await device()]
    const storage = other.allocate('f32', 1)
    expect(() => d.write(storage, new Float32Array(1))).toThrow(/foreign/)
    other.free(storage)
    await expect(other.read(storage)).rejects.toThrow(/freed/)
  })
})

describe('plans', () => {
  test.each([1, 2, 3])('pass values through the arena on %i threads', async threads => {
    const d = await device(threads)
    // the larger one moves the arena that the smaller one was bound to
    for (const n of [5, 100_000, 5]) {
      const [x, y] = [d.allocate('f32', n), d.allocate('f32', n)]
      d.write(x, Float32Array.from({ length: n }, (_, i) => i))
      const executable = d.preparePlan(twoSteps(n))
      executable.run([x, y])
      executable.run([x, y])
      expect((await d.read(y))[n - 1]).toBe(n + 10)
      executable.run([y, x])
      expect((await d.read(x))[n - 1]).toBe(n + 21)
      executable.dispose()
    }
  })

  test('find scalars from outside in the arena, as they are at each run', async () => {
    const d = await device()
    const slots = [0, 1, 2, null].map(external => ({ dtype: 'f32' as const, length: external === 2 ? 3 : external === null ? 3 : 1, external, block: 0, arenaOffset: 0 }))
    const steps = [{ kernel: addConstant(3, 100), regions: [{ slot: 3, offset: 0, length: 3 }, { slot: 2, offset: 0, length: 3 }], label: 'add' }]
    const executable = d.preparePlan({ slots, steps, preloads: [{ external: 0, slot: 3, offset: 2 }, { external: 1, slot: 3, offset: 0 }], arenaBlocks: [256] })
    const [a, b, out] = [d.allocate('f32', 1), d.allocate('f32', 1), d.allocate('f32', 3)]
    for (const value of [1, 5]) {
      d.write(a, Float32Array.of(value))
      d.write(b, Float32Array.of(-value))
      executable.run([a, b, out])
      const [first, , last] = await d.read(out)
      expect([first, last]).toEqual([100 - value, 100 + value])
    }
  })

  test('follow the arena when a larger plan moves it', async () => {
    const d = await device()
    const [x, y] = [d.allocate('f32', 16), d.allocate('f32', 16)]
    const small = d.preparePlan(twoSteps(16))
    small.run([x, y])
    d.preparePlan(twoSteps(100_000)).run([d.allocate('f32', 100_000), d.allocate('f32', 100_000)])
    // these lie where the arena was
    const others = Array.from({ length: 8 }, () => d.allocate('f32', 16))
    for (const other of others) d.write(other, new Float32Array(16).fill(7))
    small.run([x, y])
    for (const other of others) expect(await d.read(other)).toEqual(new Float32Array(16).fill(7))
  })

  test('share kernels that are equal as data', async () => {
    const d = await device()
    d.preparePlan(twoSteps(7))
    expect(d.counts.pipelinesCreated).toBe(2)
    d.preparePlan(twoSteps(7))
    expect(d.counts.pipelinesCreated).toBe(2)
  })

  test('that come and go leave a bounded number of programs, on workers too', async () => {
    const d = await device(2)
    const n = 60_000
    const [x, y] = [d.allocate('f32', n), d.allocate('f32', n)]
    d.write(x, new Float32Array(n).fill(1))
    const kept = d.preparePlan(twoSteps(n))
    const bytes: number[] = []
    for (let i = 0; i < 900; i++) {
      const regions = [{ slot: 0, offset: 0, length: n }, { slot: 1, offset: 0, length: n }]
      const slots = [0, 1].map(external => ({ dtype: 'f32' as const, length: n, external, block: 0, arenaOffset: 0 }))
      const executable = d.preparePlan({ slots, steps: [{ kernel: addConstant(n, i), regions, label: '' }], preloads: [], arenaBlocks: [] })
      executable.run([x, y])
      executable.dispose()
      if (i % 100 === 0) expect(new Set(await d.read(y))).toEqual(new Set([i + 1]))
      bytes.push(d.counts.liveBytes)
    }
    expect(bytes[899] - bytes[500]).toBeLessThan(5000)
    kept.run([x, y])
    expect(new Set(await d.read(y))).toEqual(new Set([12]))
  })

  test('count runs and launches, and allocate nothing when run again', async () => {
    const d = await device(2)
    const [x, y] = [d.allocate('f32', 7), d.allocate('f32', 7)]
    const executable = d.preparePlan(twoSteps(7))
    executable.run([x, y])
    const { dispatches, submits, buffersCreated } = d.counts
    executable.run([x, y])
    expect(d.counts).toMatchObject({ dispatches: dispatches + 2, submits: submits + 1, buffersCreated })
  })

  test('make copies before and after', async () => {
    const d = await device()
    const [x, y, z] = [d.allocate('f32', 2), d.allocate('f32', 2), d.allocate('f32', 2)]
    d.write(z, new Float32Array([100, 200]))
    d.preparePlan(twoSteps(2)).run([x, y], { before: [{ from: z, to: x }], after: [{ from: y, to: z }] })
    expect(await d.read(z)).toEqual(new Float32Array([111, 211]))
  })

  test('explain into how many chunks each kernel is cut', async () => {
    const d = await device()
    expect(d.preparePlan(twoSteps(7)).explain(explainPlan)).toMatch(/0 +map +add 1 .* 1 chunk\n.*1 +map +add 10 .* 1 chunk\n/)
  })

  test('refuse too few storages, and runs after dispose', async () => {
    const d = await device()
    const executable = d.preparePlan(twoSteps(2))
    expect(() => executable.run([])).toThrow(/2 storages, got 0/)
    executable.dispose()
    executable.dispose()
    expect(() => executable.run([])).toThrow(/dispose/)
  })

  test('with f16 are refused', async () => {
    const d = await device()
    expect(() => d.allocate('f16', 1)).toThrow(/f32, i32, u32 or bool, got f16/)
  })
})

describe('threads', () => {
  test('sleep and wake many times without losing work', async () => {
    const [one, three] = [await device(1), await device(3)]
    const kernel = addConstant(200_000, 3)
    const data = [Array.from({ length: 200_000 }, (_, i) => i % 1000), new Array<number>(200_000).fill(0)]
    const expected = await runOnDevice(one, kernel, data)
    for (let i = 0; i < 15; i++) {
      if (i % 5 === 0) await new Promise(resolve => setTimeout(resolve, 5))
      expect(sameBits(await runOnDevice(three, kernel, data), expected)).toBe(true)
    }
  })

  test('run programs that lie in memory grown a moment ago', async () => {
    const d = await device(3)
    const n = 60_000
    const [x, y] = [d.allocate('f32', n), d.allocate('f32', n)]
    const slots = [0, 1].map(external => ({ dtype: 'f32' as const, length: n, external, block: 0, arenaOffset: 0 }))
    const regions = [{ slot: 0, offset: 0, length: n }, { slot: 1, offset: 0, length: n }]
    for (let i = 0; i < 40; i++) {
      d.allocate('f32', 5e6)
      d.preparePlan({ slots, steps: [{ kernel: addConstant(n, i), regions, label: '' }], preloads: [], arenaBlocks: [] }).run([x, y])
      expect(new Set(await d.read(y))).toEqual(new Set([i]))
    }
  })

  test('must be a positive number', async () => {
    await expect(requestWasmDevice({ threads: 0 })).rejects.toThrow(/positive integer, got 0/)
  })

  test('end with the device, after which every use is an error', async () => {
    const d = await device(2)
    const storage = d.allocate('f32', 1)
    d.close()
    d.close()
    expect(() => d.allocate('f32', 1)).toThrow(/after close/)
    await expect(d.read(storage)).rejects.toThrow(/after close/)
  })
})
