// A step of a GPT where nothing fits: a kernel may bind 64 KiB of a tensor and eight buffers, and a buffer holds 192 KiB. All parameters together
// take two buffers and five bindings, the table of tokens more than one binding, and so do queries, keys and values.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { grad, linearCrossEntropy } from '@abovo/autograd'
import { requestDevice, tensor, type Device } from '@abovo/tensor-webgpu'
import { expect, test, vi } from 'vitest'
import { gptTraining } from '../bench/instruments/gpt-training.js'

vi.setConfig({ testTimeout: 120_000 })

const sizes = { L: 1, C: 64, H: 2, T: 32, B: 4, V: 320 }

async function lossesOn(device: Device): Promise<number[]> {
  const { step, inputs, targets } = gptTraining(sizes, device, { lr: 3e-3 })
  const losses: number[] = []
  for (let i = 0; i < 4; i++) losses.push(await step(inputs, targets).item())
  device.close()
  return losses
}

/** The loss of a large vocabulary in chunks of rows: neither the table nor a chunk of logits fits a binding of 16 KiB. */
async function chunkedHead(device: Device): Promise<number[]> {
  const [N, C, V] = [96, 24, 300]
  const wave = (rows: number): Float32Array => Float32Array.from({ length: rows * C }, (_, i) => Math.sin(i * 0.7) / 3)
  const [hidden, weight] = [tensor(wave(N), { shape: [N, C], device }), tensor(wave(V), { shape: [V, C], device })]
  const targets = tensor(Int32Array.from({ length: N }, (_, i) => (i * 37) % V), { device })
  const loss = linearCrossEntropy(hidden, weight, targets, { chunk: 32 })
  const values = await Promise.all([loss, ...grad(loss, [hidden, weight])].map(value => value.data()))
  device.close()
  return values.flatMap(data => [...data])
}

describeOnAdapters('a step of a GPT within small limits', ({ gpu }) => {
  test('gives a chunked head and its gradients', async () => {
    const expected = await chunkedHead(await requestDevice('reference'))
    const split = await chunkedHead(await requestDevice('webgpu', { gpu, limits: { maxBindingBytes: 16384, maxStorageBuffers: 8 } }))
    const scale = Math.max(...expected.slice(1).map(Math.abs))
    split.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(1e-5 * (i === 0 ? expected[0] : scale)))
  })

  test('loses what it loses without them', async () => {
    const whole = await lossesOn(await requestDevice('webgpu', { gpu }))
    const split = await lossesOn(await requestDevice('webgpu', { gpu, limits: { maxBufferBytes: 196608, maxBindingBytes: 65536, maxStorageBuffers: 8 } }))
    split.forEach((loss, i) => expect(loss).toBeCloseTo(whole[i], 4))
    expect(split[3]).toBeLessThan(split[0] - 0.5)
  })
})
