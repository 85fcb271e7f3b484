// What the device promises beside right numbers: memory that is reused, runs that create nothing, errors that name the kernel.
import { nullGpu } from '@abovo/test-devices'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isSoftwareAdapter, requestGpuAdapter, requestWebgpuDevice, webgpuDeviceFrom, type WebgpuDevice } from '../../src/devices/webgpu/index.js'
import { requestFullDevice } from '../../src/devices/webgpu/webgpu-device.js'
import { attentionProgram } from '../../src/devices/webgpu/kernels/attention.js'
import { attentionBackwardPrograms } from '../../src/devices/webgpu/kernels/attention-backward.js'
import type { GpuProgram } from '../../src/devices/webgpu/kernels/gpu-program.js'
import { matmulCandidates } from '../../src/devices/webgpu/kernels/matmul-candidates.js'
import { loopProgram } from '../../src/devices/webgpu/kernels/loop.js'
import type { AttentionBackwardKernel, AttentionKernel, LoopKernel, MatmulKernel } from '../../src/plan/kernel.js'
import type { Plan } from '../../src/plan/plan.js'
import { access, binding, constant, dense, load } from './run-kernel.js'
import { explainPlan } from '../../src/plan/explain.js'

const addOne: LoopKernel = {
  kind: 'loop', bindings: [binding(), binding('f32', true)], shape: [100], reduced: 0,
  body: [load(0, [1]), constant(1), { fn: 'add', args: [0, 1], dtype: 'f32' }], results: [{ value: 2, access: access(1, [1]) }],
}

/** in → arena → out: adds two. */
const addTwice: Plan = {
  slots: [
    { dtype: 'f32', length: 100, external: 0, block: 0, arenaOffset: 0 }, { dtype: 'f32', length: 100, external: 1, block: 0, arenaOffset: 0 }, { dtype: 'f32', length: 100, external: null, block: 0, arenaOffset: 256 },
  ],
  steps: [
    { kernel: addOne, regions: [{ slot: 0, offset: 0, length: 100 }, { slot: 2, offset: 0, length: 100 }], label: 'first' },
    { kernel: addOne, regions: [{ slot: 2, offset: 0, length: 100 }, { slot: 1, offset: 0, length: 100 }], label: 'second' },
  ],
  preloads: [],
  arenaBlocks: [1024],
}

describeOnAdapters('the webgpu device', adapter => {
  let device: WebgpuDevice
  beforeAll(async () => void (device = await requestWebgpuDevice({ gpu: adapter.gpu })))
  afterAll(() => device.close())

  test('knows that it is software', async () => {
    expect(device.isSoftware).toBe(true)
    expect(isSoftwareAdapter((await requestGpuAdapter({ gpu: adapter.gpu })).info)).toBe(true)
  })

  test('reads back what was written, in every dtype', async () => {
    for (const [dtype, data] of [['f32', new Float32Array([1.5, -2])], ['i32', new Int32Array([-7, 9])], ['u32', new Uint32Array([4e9, 1])], ['bool', new Uint8Array([1, 0, 1])], ['f32', new Float32Array(0)]] as const) {
      const storage = device.allocate(dtype, data.length)
      device.write(storage, data)
      expect(await device.read(storage)).toEqual(data)
      device.free(storage)
    }
    expect(() => device.write(device.allocate('f32', 3), new Float32Array(2))).toThrow(/must hold 3 elements, got 2/)
  })

  test('a replayed plan makes one submit and creates nothing', async () => {
    const [from, to] = [device.allocate('f32', 100), device.allocate('f32', 100)]
    device.write(from, new Float32Array(100).fill(5))
    const executable = device.preparePlan(addTwice)
    executable.run([from, to])
    await device.read(to)
    const before = { ...device.counts }
    for (let i = 0; i < 3; i++) executable.run([from, to])
    const { dispatches, submits, ...created } = device.counts
    expect([dispatches - before.dispatches, submits - before.submits]).toEqual([6, 3])
    const { dispatches: _, submits: __, ...createdBefore } = before
    expect(created).toEqual(createdBefore)
    expect((await device.read(to)).slice(0, 2)).toEqual(new Float32Array([7, 7]))
    expect(executable.explain(explainPlan)).toMatch(/map +first[^]*map +second[^]*total +2 .*, 1 pipeline$/)
  })

  test('alternating storages keep their bind groups, and a larger arena replaces the smaller', async () => {
    const storages = [0, 1, 2].map(() => device.allocate('f32', 100))
    device.write(storages[0], new Float32Array(100).fill(1))
    const executable = device.preparePlan(addTwice)
    const swap = () => [[storages[0], storages[1]], [storages[1], storages[2]]].forEach(pair => executable.run(pair))
    swap()
    const { bindGroupsCreated } = device.counts
    swap()
    expect(device.counts.bindGroupsCreated).toBe(bindGroupsCreated)
    device.preparePlan({ ...addTwice, arenaBlocks: [8 << 20] })
    swap()
    expect((await device.read(storages[2]))[99]).toBe(5)
  })

  test('copies run before and after, also within one slab', async () => {
    const [a, b, c] = [0, 1, 2].map(() => device.allocate('f32', 100))
    device.write(a, new Float32Array(100).fill(3))
    device.preparePlan(addTwice).run([b, c], { before: [{ from: a, to: b }], after: [{ from: c, to: a }] })
    expect((await device.read(a))[7]).toBe(5)
    expect((await device.read(b))[7]).toBe(3)
  })

  test('small storages share slabs and freed memory is used again', () => {
    const first = device.allocate('f32', 1000)
    device.free(first)
    const before = { ...device.counts }
    for (let i = 0; i < 2000; i++) device.free(device.allocate('f32', 1000))
    expect(device.counts).toEqual(before)
    expect(() => device.free(first)).toThrow(/must be live/)
    const large = device.allocate('f32', 1 << 20)
    expect(device.counts.liveBytes - before.liveBytes).toBe(4 << 20)
    device.free(large)
    expect(device.counts.liveBytes).toBe(before.liveBytes)
    expect(device.counts.peakBytes).toBeGreaterThanOrEqual(before.liveBytes + (4 << 20))
  })

  test('more buffers than the adapter binds is an error with the numbers', () => {
    const many = device.traits.maxStorageBuffers + 1
    const bindings = Array.from({ length: many + 1 }, (_, i) => binding('f32', i === many))
    const body: LoopKernel['body'] = [...bindings.slice(0, many).map((__, i) => load(i, [1])), ...Array.from({ length: many - 1 }, (__, i) => ({ fn: 'add' as const, args: [i === 0 ? 0 : many + i - 1, i + 1], dtype: 'f32' as const }))]
    const kernel: LoopKernel = { kind: 'loop', bindings, shape: [4], reduced: 0, body, results: [{ value: body.length - 1, access: access(many, [1]) }] }
    const slots = bindings.map((__, external) => ({ dtype: 'f32' as const, length: 4, external, block: 0, arenaOffset: 0 }))
    const plan: Plan = { slots, steps: [{ kernel, regions: slots.map((__, slot) => ({ slot, offset: 0, length: 4 })), label: 'sum of all' }], preloads: [], arenaBlocks: [] }
    expect(() => device.preparePlan(plan)).toThrow(/at most \d+ buffers on this adapter, got \d+ \(sum of all\)/)
  })

  test('an error on the GPU is thrown at the next read, once', async () => {
    const own = await requestWebgpuDevice({ gpu: adapter.gpu })
    const storage = own.allocate('f32', 4)
    own.gpu.createShaderModule({ code: 'fn broken( {' })
    await own.gpu.queue.onSubmittedWorkDone()
    await expect(own.read(storage)).rejects.toMatchObject({ name: 'DeviceError', code: 'validation' })
    await expect(own.read(storage)).resolves.toHaveLength(4)
    own.close()
  })

  test('a lost device rejects what is being read', async () => {
    const own = await requestWebgpuDevice({ gpu: adapter.gpu })
    const storage = own.allocate('f32', 4)
    const reading = own.read(storage)
    own.gpu.destroy()
    await expect(reading).rejects.toMatchObject({ code: 'lost' })
    await expect(own.read(storage)).rejects.toMatchObject({ code: 'lost' })
  })
})

describe('every variant is valid WGSL', () => {
  const row = [256, 64, 8, 1]
  const attention: AttentionKernel = {
    kind: 'attention', batch: 2, heads: 4, kvHeads: 2, queries: 70, keys: 70, headSize: 64, causal: true, scale: 0.125,
    bindings: [binding('f16'), binding('f16'), binding('f16'), binding('f16', true), binding('f32', true), binding('bool'), binding('i32')],
    q: access(0, row), k: access(1, row), v: access(2, row), out: access(3, row), lse: access(4, [280, 70, 1]), mask: access(5, [4900, 0, 70, 1]), lengths: access(6, [1]),
  }
  const backward: AttentionBackwardKernel = {
    ...attention, kind: 'attentionBackward', bindings: [...attention.bindings.slice(0, 3), binding('f16'), binding(), binding('bool'), binding(), binding('f16', true), binding('f32', true), binding('f32', true)],
    dOut: access(3, row), delta: access(6, [280, 70, 1]), dq: access(7, row), dk: access(8, row), dv: access(9, row),
  }
  const matmul: MatmulKernel = {
    kind: 'matmul', bindings: [binding('f16'), binding('f16'), binding('f32', true), binding()], batch: [3], m: 64, n: 64, k: 64, a: access(0, [4096, 64, 1]), b: access(1, [4096, 1, 64]),
    body: [{ fn: 'head', dtype: 'f32' }, load(3, [0, 0, 1]), { fn: 'add', args: [0, 1], dtype: 'f32' }, { fn: 'gelu', args: [2], dtype: 'f32' }], results: [{ value: 3, access: access(2, dense(3, 64, 64)) }],
  }
  const skinny: MatmulKernel = { ...matmul, batch: [], m: 3, n: 62, k: 1024, a: access(0, [1024, 1]), b: access(1, [1, 1024]), body: [{ fn: 'head', dtype: 'f32' }], results: [{ value: 0, access: access(2, [62, 1]) }] }
  const softmax: LoopKernel = {
    kind: 'loop', bindings: [binding('f16'), binding('f32', true)], shape: [300, 512], reduced: 1,
    body: [load(0, [512, 1], 'f16'), { fn: 'reduce', reduce: 'max', args: [0], dtype: 'f32' }, { fn: 'sub', args: [0, 1], dtype: 'f32' }, { fn: 'exp', args: [2], dtype: 'f32' }, { fn: 'reduce', reduce: 'sum', args: [3], dtype: 'f32' }, { fn: 'div', args: [3, 4], dtype: 'f32' }],
    results: [{ value: 5, access: access(1, [512, 1]) }],
  }

  test.each([[0], [8], [32], [64]])('on the null backend, for hardware with subgroups of %i', async subgroupSize => {
    const adapter = await requestGpuAdapter({ gpu: nullGpu() })
    const gpu = await requestFullDevice(adapter)
    const traits = { ...webgpuDeviceFrom(gpu, adapter.info).traits, subgroupSize, software: subgroupSize === 8 }
    const programs: (GpuProgram | null)[] = [
      ...[matmul, skinny].flatMap(kernel => matmulCandidates(kernel, traits).map(({ program }) => program())), loopProgram(softmax, traits), loopProgram(softmax, traits, { lanes: 16 }), loopProgram(softmax, traits, { vectorAxis: null }),
      ...(['direct', 'tile', ...(subgroupSize > 0 ? ['shuffle' as const] : [])] as const).flatMap(staging => {
        const layout = { group: staging === 'shuffle' ? subgroupSize : 16, staging }
        return [attentionProgram(attention, traits, layout), ...attentionBackwardPrograms(backward, traits, layout), ...attentionBackwardPrograms({ ...backward, mask: null }, traits, layout)]
      }),
    ]
    for (const program of programs) {
      if (program === null) return expect.fail('a program must come out')
      gpu.pushErrorScope('validation')
      gpu.createComputePipeline({ layout: 'auto', compute: { module: gpu.createShaderModule({ code: program.wgsl }) } })
      expect((await gpu.popErrorScope())?.message ?? 'valid', program.variant).toBe('valid')
    }
  })
})
