// A step of a GPT where nothing fits: a kernel may bind 64 KiB of a tensor and eight buffers, and a buffer holds 192 KiB. All parameters together
// take two buffers and five bindings, the table of tokens more than one binding, and so do queries, keys and values.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { requestDevice, type Device } from '@abovo/tensor-webgpu'
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

describeOnAdapters('a step of a GPT within small limits', ({ gpu }) => {
  test('loses what it loses without them', async () => {
    const whole = await lossesOn(await requestDevice('webgpu', { gpu }))
    const split = await lossesOn(await requestDevice('webgpu', { gpu, limits: { maxBufferBytes: 196608, maxBindingBytes: 65536, maxStorageBuffers: 8 } }))
    split.forEach((loss, i) => expect(loss).toBeCloseTo(whole[i], 4))
    expect(split[3]).toBeLessThan(split[0] - 0.5)
  })
})
