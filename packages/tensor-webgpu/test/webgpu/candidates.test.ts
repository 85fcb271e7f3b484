// What a tuner may choose between: candidates of one order give equal bits, and those of others the same numbers. Matmuls are in matmul-variants.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { nullGpu } from '@abovo/test-devices'
import { requestGpuAdapter, requestWebgpuDevice, webgpuDeviceFrom, type WebgpuDevice } from '../../src/devices/webgpu/index.js'
import { requestFullDevice } from '../../src/devices/webgpu/webgpu-device.js'
import { candidatesOf, type Candidate } from '../../src/devices/webgpu/tuning/candidates.js'
import { kernelClass } from '../../src/devices/webgpu/tuning/kernel-class.js'
import type { GpuFamily, GpuTraits } from '../../src/devices/webgpu/traits.js'
import type { AttentionBackwardKernel, AttentionKernel, Kernel, LoopKernel } from '../../src/plan/kernel.js'
import { product, withPrologue } from './matrices.js'
import { access, binding, constant, dense, load, randoms, runProgram } from './run-kernel.js'

const [ROWS, LENGTH] = [40, 260]
const gelu: LoopKernel = {
  kind: 'loop', bindings: [binding(), binding('f32', true)], shape: [ROWS * LENGTH], reduced: 0,
  body: [load(0, [1]), { fn: 'gelu', args: [0], dtype: 'f32' }, constant(3), { fn: 'mul', args: [1, 2], dtype: 'f32' }], results: [{ value: 3, access: access(1, [1]) }],
}
const softmax: LoopKernel = {
  kind: 'loop', bindings: [binding(), binding('f32', true)], shape: [ROWS, LENGTH], reduced: 1,
  body: [
    load(0, [LENGTH, 1]), { fn: 'reduce', reduce: 'max', args: [0], dtype: 'f32' }, { fn: 'sub', args: [0, 1], dtype: 'f32' }, { fn: 'exp', args: [2], dtype: 'f32' },
    { fn: 'reduce', reduce: 'sum', args: [3], dtype: 'f32' }, { fn: 'div', args: [3, 4], dtype: 'f32' },
  ],
  results: [{ value: 5, access: access(1, [LENGTH, 1]) }],
}
const columnSum: LoopKernel = {
  kind: 'loop', bindings: [binding(), binding('f32', true)], shape: [ROWS, LENGTH], reduced: 1,
  body: [load(0, [1, ROWS]), { fn: 'reduce', reduce: 'sum', args: [0], dtype: 'f32' }], results: [{ value: 1, access: access(1, [1, 0]) }],
}

const attentionOver = (queries: number): AttentionKernel => {
  const [H, S, D] = [2, 70, 8]
  const [row, column] = [dense(1, H, queries, D), dense(1, 1, S, D)]
  return {
    kind: 'attention', batch: 1, heads: H, kvHeads: 1, queries, keys: S, headSize: D, scale: 0.3, causal: true, mask: null, lengths: null,
    bindings: [binding(), binding(), binding(), binding('f32', true), binding('f32', true)],
    q: access(0, row), k: access(1, column), v: access(2, column), out: access(3, row), lse: access(4, dense(1, H, queries)),
  }
}
const { out: _, lengths: __, ...sizes } = attentionOver(70)
const backward: AttentionBackwardKernel = {
  ...sizes, kind: 'attentionBackward',
  bindings: [...sizes.bindings.slice(0, 3), binding(), binding(), binding(), binding('f32', true), binding('f32', true), binding('f32', true)],
  dOut: access(3, sizes.q.strides), lse: access(4, [140, 70, 1]), delta: access(5, [140, 70, 1]), dq: access(6, sizes.q.strides), dk: access(7, sizes.k.strides), dv: access(8, sizes.v.strides),
}

const attentionLengths = (queries: number): number[] => [2 * queries * 8, 560, 560, 2 * queries * 8, 2 * queries]
const kernels: Readonly<Record<string, { readonly kernel: Kernel; readonly lengths: readonly number[] }>> = {
  'a map': { kernel: gelu, lengths: [ROWS * LENGTH, ROWS * LENGTH] },
  softmax: { kernel: softmax, lengths: [ROWS * LENGTH, ROWS * LENGTH] },
  'sums of columns': { kernel: columnSum, lengths: [ROWS * LENGTH, ROWS] },
  attention: { kernel: attentionOver(70), lengths: attentionLengths(70) },
  'attention of one query': { kernel: attentionOver(1), lengths: attentionLengths(1) },
  'attention backward': { kernel: backward, lengths: [1120, 560, 560, 1120, 140, 140, 1120, 560, 560] },
}

/** What an adapter here would run if it were a GPU. */
const asGpu = (traits: GpuTraits): GpuTraits => ({ ...traits, software: false, family: 'default' })

describeOnAdapters('candidates', adapter => {
  let device: WebgpuDevice
  beforeAll(async () => void (device = await requestWebgpuDevice({ gpu: adapter.gpu })))
  afterAll(() => device.close())

  async function written(kernel: Kernel, candidate: Candidate, data: readonly Float32Array[]): Promise<Float32Array[]> {
    const results: Float32Array[] = []
    for (const program of candidate.programs()) {
      const got = await runProgram(device, program, data)
      program.bindings.forEach((binding, i) => void (kernel.bindings[binding].written && results.push(got[i])))
    }
    return results
  }

  test.each(Object.keys(kernels))('for %s of one order give equal bits', async name => {
    const { kernel, lengths } = kernels[name]
    const data = lengths.map((length, i) => randoms(length, i + 1))
    const bits = new Map<string, string>()
    let seed: Float32Array[] | null = null
    // a GPU's seed differs from software's, but what adds in one order does so for both
    const candidates = [device.traits, asGpu(device.traits)].flatMap(traits => candidatesOf(kernel, traits))
    expect(new Set(candidates.map(candidate => candidate.name)).size).toBeGreaterThan(2)
    for (const candidate of candidates) {
      const results = await written(kernel, candidate, data)
      seed ??= results
      results.forEach((values, i) => values.forEach((value, at) => void (Math.abs(value - (seed?.[i][at] ?? NaN)) <= 1e-4 || expect.fail(`${candidate.name}: result ${i} element ${at}: ${value} beside ${seed?.[i][at]}`))))
      const own = results.map(values => new Uint32Array(values.buffer, 0, values.length).join()).join('\n')
      expect(bits.get(candidate.order) === undefined || bits.get(candidate.order) === own, `${candidate.name} against others of order ${candidate.order}`).toBe(true)
      bits.set(candidate.order, own)
    }
  }, 120_000)
})

describe('candidates of adapters that are not here', () => {
  const families: readonly GpuFamily[] = ['apple', 'nvidia', 'amd', 'intel', 'adreno', 'default']
  test.each([[0], [32], [64]])('are valid WGSL with subgroups of %i', async subgroupSize => {
    const adapter = await requestGpuAdapter({ gpu: nullGpu() })
    const gpu = await requestFullDevice(adapter)
    const { traits } = webgpuDeviceFrom(gpu, adapter.info)
    const valid = new Set<string>()
    for (const family of families)
      for (const { kernel } of [...Object.values(kernels), { kernel: product(2, 384, 384) }, { kernel: product(64, 128, 1024, { aTransposed: true }) }])
        for (const { programs } of candidatesOf(kernel, { ...traits, family, software: false, subgroupSize }))
          for (const program of programs()) {
            if (valid.has(program.wgsl)) continue
            gpu.pushErrorScope('validation')
            gpu.createComputePipeline({ layout: 'auto', compute: { module: gpu.createShaderModule({ code: program.wgsl }) } })
            expect((await gpu.popErrorScope())?.message ?? 'valid', program.variant).toBe('valid')
            valid.add(program.wgsl)
          }
    expect(valid.size).toBeGreaterThan(30)
  })

  test('are at most sixteen, under names that differ', () => {
    const traits: GpuTraits = {
      family: 'nvidia', software: false, subgroupSize: 32, f16: true, maxStorageBuffers: 8, maxBindingBytes: 2 ** 27, maxBufferBytes: 2 ** 28, maxInvocations: 1024, maxWorkgroupBytes: 32768,
      maxWorkgroups: 65535, offsetAlignment: 256,
    }
    for (const kernel of [...Object.values(kernels).map(one => one.kernel), product(1024, 1024, 1024), product(4, 4096, 4096)]) {
      const names = candidatesOf(kernel, traits).map(({ name }) => name)
      expect(names.length).toBeLessThanOrEqual(16)
      expect(new Set(names).size).toBe(names.length)
    }
  })
})

describe('a class of kernels', () => {
  test('is the same for sizes up to one power of two', () => {
    expect(kernelClass(product(1000, 129, 64))).toBe(kernelClass(product(1024, 256, 64)))
    expect(kernelClass(product(1000, 129, 64))).not.toBe(kernelClass(product(1000, 128, 64)))
    expect(kernelClass({ ...softmax, shape: [33, LENGTH] })).toBe(kernelClass(softmax))
  })

  test('tells layouts, arithmetic and element types apart', () => {
    const classes = [
      product(64, 64, 64), product(64, 64, 64, { bTransposed: true }), withPrologue(product(64, 64, 64)), softmax, columnSum, gelu, { ...gelu, bindings: [binding('f16'), binding('f32', true)] }, { ...columnSum, body: [columnSum.body[0], { ...columnSum.body[1], reduce: 'max' }] } as LoopKernel,
    ].map(kernelClass)
    expect(new Set(classes).size).toBe(classes.length)
  })
})
