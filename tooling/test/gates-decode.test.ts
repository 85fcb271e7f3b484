// What one more token may cost, counted: dispatches and submissions at WebGPU's own interface, and the bytes of the plan. Nothing is read.
import { nullGpu } from '@abovo/test-devices'
import { CachedSession, Gpt } from '@abovo/nn-transformer'
import { requestDevice } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { countWebgpu } from '../bench/instruments/count-webgpu.js'
import { observePlans } from '../bench/instruments/observed-plan.js'
import { planBytes } from '../bench/instruments/plan-bytes.js'

const [L, C, H, S, V] = [6, 384, 6, 256, 512]
const gpu = nullGpu()
const counts = countWebgpu()

test('a token is one submission of 8 kernels a layer and 11 others, waits for nothing, creates nothing, and moves the weights and the cache once', async () => {
  const device = await requestDevice('webgpu', { gpu })
  const plans = observePlans(device)
  const model = new Gpt({ vocabSize: V, nPositions: S, nEmbd: C, nLayer: L, nHead: H }, { seed: 1, device })
  const session = new CachedSession(model, { batchSize: 1 })
  session.beginChoosing([Int32Array.of(1, 2, 3)], S, { topK: 40, temperature: 0.8 }, () => 0.5)
  session.chooseNext()
  const bytes = planBytes(plans[plans.length - 1])
  const before = { ...counts }
  for (let i = 0; i < 4; i++) session.chooseNext()
  expect((counts.dispatches - before.dispatches) / 4).toBe(8 * L + 11)
  expect((counts.submits - before.submits) / 4).toBe(1)
  for (const nothing of ['maps', 'buffersCreated', 'bindGroupsCreated', 'pipelinesCreated'] as const) expect(counts[nothing] - before[nothing], nothing).toBe(0)

  const weights = L * (12 * C * C + 13 * C) + V * C + 2 * C
  const cache = 2 * L * C * S
  expect(bytes / (4 * (weights + cache))).toBeLessThan(1.01)
  session.dispose()
  device.close()
})
