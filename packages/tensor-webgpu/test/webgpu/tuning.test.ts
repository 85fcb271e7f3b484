import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { describe, expect, test } from 'vitest'
import { compile } from '../../src/compile.js'
import { requestWebgpuDevice } from '../../src/devices/webgpu/webgpu-device.js'
import type { WebgpuDevice } from '../../src/devices/webgpu/gpu-device.js'
import { Choices } from '../../src/devices/webgpu/tuning/choices.js'
import { kernelClass } from '../../src/devices/webgpu/tuning/kernel-class.js'
import { folderStore } from '../../src/devices/webgpu/tuning/folder-store.js'
import { scaledDotProductAttention, tensor } from '../../src/functions.js'
import { product } from './matrices.js'

/** A product and attention over it. */
function program(device: WebgpuDevice): { run: () => Promise<ArrayLike<number>>; explain: () => string } {
  const x = tensor(Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i)), { shape: [64, 64], device })
  const step = compile(() => {
    const y = x.matmul(x).reshape([1, 4, 64, 16])
    return scaledDotProductAttention(y, y, y, { causal: true })
  }, { device })
  return { run: async () => (await step().data()) as ArrayLike<number>, explain: () => step.explain() }
}

const gap = (a: ArrayLike<number>, b: ArrayLike<number>): number => Math.max(...Array.from({ length: a.length }, (_, i) => Math.abs(a[i] - b[i])))

describeOnAdapters('tuning', ({ gpu }) => {
  test('measures every candidate once, keeps every bit, and is remembered', async () => {
    const kept = new Map<string, string>()
    const store = { load: async (adapter: string) => kept.get(adapter) ?? null, save: async (adapter: string, text: string) => void kept.set(adapter, text) }
    const device = await requestWebgpuDevice({ gpu, tuning: store })
    const { run } = program(device)
    const before = await run()
    const text = await device.tune({ totalMs: 60_000, candidateMs: 30, compileMs: 20_000 })
    const choices = Object.entries((JSON.parse(text) as { choices: Record<string, { name: string; microseconds: Record<string, number> }> }).choices)
    expect(choices.map(([kernelClass]) => kernelClass.split(' ')[0]).sort()).toEqual(['attention', 'matmul'])
    for (const [, { name, microseconds }] of choices) {
      expect(Object.keys(microseconds).length).toBeGreaterThan(1)
      expect(microseconds[name]).toBeGreaterThan(0)
    }
    const after = await run()
    expect(gap(after, before)).toBe(0)
    expect(await device.tune()).toBe(text)
    device.close()

    const later = await requestWebgpuDevice({ gpu, tuning: store })
    expect(gap(await program(later).run(), after)).toBe(0)
    expect(await later.tune()).toBe(text)
    later.close()
  }, 120_000)

  test('also measures what adds in another order, if asked to, and only then', async () => {
    const device = await requestWebgpuDevice({ gpu })
    const { run } = program(device)
    const before = await run()
    const names = async (exact: boolean): Promise<string[]> => {
      const { choices } = JSON.parse(await device.tune({ totalMs: 60_000, candidateMs: 30, compileMs: 20_000, exact })) as { choices: Record<string, { exact: boolean; microseconds: object }> }
      for (const choice of Object.values(choices)) expect(choice.exact).toBe(exact)
      return Object.values(choices).flatMap(({ microseconds }) => Object.keys(microseconds))
    }
    expect((await names(true)).join()).not.toMatch(/sliced/)
    expect((await names(false)).join()).toMatch(/sliced subgroup/)
    expect(gap(await run(), before)).toBeLessThan(1e-4)
    device.close()
  }, 120_000)

  test('a choice made for one kernel does not change the order of another of its class', async () => {
    const own = kernelClass(product(64, 64, 64)) ?? ''
    const store = (exact: boolean) => ({ load: async () => JSON.stringify({ generator: 2, choices: { [own]: { name: 'sliced subgroup', exact, microseconds: {} } } }), save: async () => {} })
    for (const exact of [true, false]) {
      const device = await requestWebgpuDevice({ gpu, tuning: store(exact) })
      expect(device.printKernel(product(64, 64, 64)).includes('sliced')).toBe(!exact)
      device.close()
    }
  })

  test('abandons what takes too long to compile, and keeps to the seed tables', async () => {
    const device = await requestWebgpuDevice({ gpu })
    const { run, explain } = program(device)
    const before = await run()
    const plan = explain()
    const { choices } = JSON.parse(await device.tune({ totalMs: 60_000, compileMs: 0 })) as { choices: Record<string, { microseconds: Record<string, number | null> }> }
    expect(Object.keys(choices).length).toBeGreaterThan(1)
    for (const { microseconds } of Object.values(choices)) expect(new Set(Object.values(microseconds))).toEqual(new Set([null]))
    expect(gap(await run(), before)).toBe(0)
    expect(explain()).toBe(plan)
    device.close()
  }, 60_000)

  test('without time leaves the seed tables in place', async () => {
    const device = await requestWebgpuDevice({ gpu })
    const { run, explain } = program(device)
    const before = await run()
    const plan = explain()
    expect(JSON.parse(await device.tune({ totalMs: 0 }))).toMatchObject({ choices: {} })
    expect(gap(await run(), before)).toBe(0)
    expect(explain()).toBe(plan)
    device.close()
  }, 60_000)

  test('a choice that does not fit a kernel is passed over', async () => {
    const device = await requestWebgpuDevice({ gpu, tuning: { load: async () => '{"generator": 2, "choices": {"matmul b0 m6 n6 k6 s1s1 0+0+0 f32,f32": {"name": "no such", "exact": false, "microseconds": {}}}}', save: async () => {} } })
    const { run } = program(device)
    expect((await run()).length).toBe(64 * 64)
    device.close()
  }, 60_000)
})

describe('choices', () => {
  test('survive JSON, and nothing else does', () => {
    const choices = new Choices()
    choices.set('matmul', { name: 'register', exact: true, microseconds: { register: 3, subgroup: null } })
    const again = new Choices()
    again.restore(JSON.stringify(choices))
    expect(JSON.stringify(again)).toBe(JSON.stringify(choices))
    for (const text of ['', 'null', '{"generator": 0, "choices": {}}', '{"generator": 2, "choices": {"x": 3}}', '{"generator": 2, "choices": {"x": {"name": "register", "microseconds": {}}}}']) {
      const none = new Choices()
      none.restore(text)
      expect(none.isEmpty).toBe(true)
    }
  })

  test('are kept in a folder, which may be missing or unwritable', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'abovo-tuning-'))
    const store = folderStore(join(folder, 'new'))
    expect(await store.load('llvmpipe (LLVM 15)')).toBe(null)
    await store.save('llvmpipe (LLVM 15)', '{}')
    expect(await store.load('llvmpipe (LLVM 15)')).toBe('{}')
    await writeFile(join(folder, 'file'), '')
    const broken = folderStore(join(folder, 'file'))
    await broken.save('x', '{}')
    expect(await broken.load('x')).toBe(null)
    await rm(folder, { recursive: true })
  })
})
