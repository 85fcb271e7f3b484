// What does not fit one buffer of a device: the arena of a plan becomes several.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { expect, test } from 'vitest'
import { requestWebgpuDevice } from '../../src/devices/webgpu/index.js'
import type { Plan } from '../../src/plan/plan.js'
import { arange, compile, embedding, requestDevice, scaledDotProductAttention, tensor, zeros, type Device, type Tensor } from '../../src/index.js'

const wave = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i))

/** AdamW's shape: three states updated in place, and scalars that are given, changed and computed. */
async function updates(options: Parameters<typeof requestWebgpuDevice>[0]): Promise<{ data: number[]; buffers: number }> {
  const device = await requestWebgpuDevice(options)
  const plans: Plan[] = []
  const prepare = device.preparePlan.bind(device)
  device.preparePlan = plan => {
    plans.push(plan)
    return prepare(plan)
  }
  const [p, m, v] = [0, 1, 2].map(shift => tensor(wave(1000).map(value => value + shift), { device }).realize())
  const [gradient, rate] = [tensor(wave(1000), { device }).realize(), tensor(0.5, { device }).realize()]
  const step = compile((share: Tensor) => {
    const [factor, size, bias] = [gradient.square().sum().sqrt(), rate.mul(share).exp(), rate.add(share).sqrt()]
    m.assign(m.mul(share).add(gradient.div(factor)))
    v.assign(v.mul(rate).add(gradient.square().mul(bias)))
    p.assign(p.sub(m.mul(size).div(v.abs().sqrt().add(bias).add(rate))))
    return p.sum()
  }, { device })
  for (const share of [0.25, 0.75, 0.1]) {
    step(share).dispose()
    rate.write(Float32Array.of(share + 0.5))
  }
  const data = (await Promise.all([p, m, v].map(state => state.data()))).flatMap(values => [...values])
  const buffers = Math.max(...plans.flatMap(({ steps }) => steps.map(({ kernel }) => kernel.bindings.length)))
  device.close()
  return { data, buffers }
}

describeOnAdapters('a device of small limits', ({ gpu }) => {
  /** A chain of products whose intermediates, 1 MiB each, are all read again at its end. */
  async function chain(device: Device): Promise<{ data: number[]; table: string }> {
    const [x, w] = [tensor(wave(32768 * 8), { shape: [32768, 8], device }), tensor(wave(64).map(value => value / 5), { shape: [8, 8], device })]
    const run = compile((first: Tensor) => {
      const states = [first]
      for (let i = 0; i < 6; i++) states.push(states[i].matmul(w))
      return states.reduceRight((sum, state) => sum.matmul(w).add(state)).sum({ axis: 0 })
    })
    const data = [...(await run(x).data())]
    const table = run.explain()
    device.close()
    return { data, table }
  }

  test('computes the same in an arena of several buffers', async () => {
    const whole = await chain(await requestDevice('webgpu', { gpu }))
    const parted = await chain(await requestDevice('webgpu', { gpu, limits: { maxBufferBytes: 4 << 20 } }))
    expect(parted.table).toMatch(/arena [\d.]+ \+ [\d.]+ MB/)
    expect(parted.data).toEqual(whole.data)
  })

  test('binds few buffers by laying scalars side by side, and finds their present values there', async () => {
    const whole = await updates({ gpu })
    const crowded = await updates({ gpu, limits: { maxStorageBuffers: 6 } })
    expect(whole.buffers).toBeGreaterThan(6)
    expect(crowded.buffers).toBeLessThanOrEqual(6)
    expect(crowded.data).toEqual(whole.data)
  })

  test.each<[string, (x: Tensor, device: Device) => Tensor]>([
    ['elementwise', x => x.mul(2).exp().add(x)],
    ['rows', x => x.softmax(-1)],
    ['indices', (x, device) => x.flatten().mul(arange(x.size, undefined, 1, { device }).lt(1500).to('f32'))],
    ['a triangle', x => x.tril(-40)],
    ['padding', x => x.pad([[50, 70], [0, 3]]).add(1)],
    ['the last first', x => x.flip(0).mul(x)],
    ['a transpose', x => x.transpose().flatten()],
    ['sums by index', (x, device) => zeros([200, 20], { device }).scatterAdd(0, tensor(Int32Array.from({ length: 96 * 20 }, (_, i) => (Math.floor(i / 20) * 37) % 150), { shape: [96, 20], device }), x)],
    ['rows of a table', (x, device) => embedding(tensor(Int32Array.from({ length: 50 }, (_, i) => (i * 37) % 96), { device }), x)],
  ])('gives equal bits for %s', async (_, fn) => {
    const results: number[][] = []
    for (const limits of [{}, { maxBindingBytes: 4096 }]) {
      const device = await requestDevice('webgpu', { gpu, limits })
      results.push([...(await fn(tensor(wave(96 * 20), { shape: [96, 20], device }), device).data())])
      device.close()
    }
    expect(results[1]).toEqual(results[0])
  })

  test('refuses what cannot be split, before any work', async () => {
    const device = await requestDevice('webgpu', { gpu, limits: { maxBindingBytes: 4096 } })
    const q = tensor(wave(2000), { shape: [1, 1, 125, 16], device })
    expect(() => scaledDotProductAttention(q, q, q).realize()).toThrow('attention: one kernel may bind at most 4096 bytes of a tensor on this device, got 8000, and this one cannot be split; split the tensor')
    device.close()
  })

  test('refuses an intermediate beyond one buffer before any work', async () => {
    const device = await requestDevice('webgpu', { gpu, limits: { maxBufferBytes: 4 << 20 } })
    const x = tensor(wave(2048), { shape: [2048, 1], device })
    expect(() => x.matmul(x.transpose()).sum({ axis: 0 }).matmul(x).realize()).toThrow(/must fit one buffer of 4194304 bytes, got 16777216; use a smaller batch/)
    device.close()
  })
})
