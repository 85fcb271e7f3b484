// Anomaly mode names the operation, its operands and the line, on every device.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { compile, requestDevice, setDefaultDevice, tensor, where, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { beforeAll, describe, expect, test } from 'vitest'
import { detectAnomaly } from '../src/detect-anomaly.js'
import { grad } from '../src/grad.js'

function suite(open: () => Promise<Device>): void {
  beforeAll(async () => setDefaultDevice(await open()))

  test('an infinity in the forward pass', async () => {
    const x = tensor([[1, 2], [0, 3]])
    await expect(detectAnomaly(() => x.log().mul(2).sum())).rejects.toThrow(/log gave -Infinity at \[1, 0\] of shape \(2, 2\), from 0, called at .*detect-anomaly\.test\.ts:\d+/)
  })

  test('a NaN in the forward pass', async () => {
    const x = tensor([4, -1, 9])
    await expect(detectAnomaly(() => ({ loss: x.sqrt().sum() }))).rejects.toThrow(/sqrt gave NaN at \[1\] of shape \(3\), from -1, called at .*detect-anomaly\.test\.ts/)
  })

  test('what only the gradient has is found at the line of grad', async () => {
    const x = tensor([4, 0])
    const body = (): Tensor => {
      const masked = where(x.gt(0), x.sqrt(), 0).sum()       // finite, but 0 · ∞ in its derivative
      return grad(masked, x)
    }
    await expect(detectAnomaly(body)).rejects.toThrow(/gave (NaN|Infinity) .*called at .*detect-anomaly\.test\.ts/)
    await expect(detectAnomaly(body)).rejects.toMatchObject({ code: 'anomaly' })
  })

  test('what is finite is given as it is', async () => {
    const { loss, parts } = await detectAnomaly(async () => ({ loss: tensor([3, 4]).norm(), parts: [tensor([1])] }))
    expect([Math.round((await loss.item()) * 1e5) / 1e5, parts.length]).toEqual([5, 1])
  })

  test('inside a compiled function it says to run the function itself', async () => {
    const step = compile((x: Tensor) => x.log())
    await expect(detectAnomaly(() => step(tensor([0])))).rejects.toThrow(/source gave -Infinity .* inside a compiled function, run the function itself/)
  })
}

describe.each(['reference', 'wasm'] as const)('%s', kind => suite(() => requestDevice(kind, { threads: 1 })))
describeOnAdapters('webgpu', ({ gpu }) => suite(() => requestDevice('webgpu', { gpu })))
