// What does not fit one buffer of a device: the arena of a plan becomes several.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { expect, test } from 'vitest'
import { compile, requestDevice, tensor, type Device, type Tensor } from '../../src/index.js'

const wave = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i))

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

  test('refuses an intermediate beyond one buffer before any work', async () => {
    const device = await requestDevice('webgpu', { gpu, limits: { maxBufferBytes: 4 << 20 } })
    const x = tensor(wave(2048), { shape: [2048, 1], device })
    expect(() => x.matmul(x.transpose()).sum({ axis: 0 }).matmul(x).realize()).toThrow(/must fit one buffer of 4194304 bytes, got 16777216; use a smaller batch/)
    device.close()
  })
})
