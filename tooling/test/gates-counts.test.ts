// What a compiled training step may ask of a GPU, counted at WebGPU's own interface. Dawn's null backend validates every call and computes nothing,
// so this holds on any hardware; it offers what the specification guarantees, eight storage buffers a kernel, the least a device can have.
import { nullGpu } from '@abovo/test-devices'
import { requestDevice, type Device } from '@abovo/tensor-webgpu'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { countWebgpu, type WebgpuCounts } from '../bench/instruments/count-webgpu.js'
import { leastBytesMoved, leastPeakBytes, llmcDispatches, parameterCount, SMALL, type GptSizes } from '../bench/instruments/gpt-minimum.js'
import { gptTraining } from '../bench/instruments/gpt-training.js'
import { observePlans } from '../bench/instruments/observed-plan.js'
import { planBytes } from '../bench/instruments/plan-bytes.js'

vi.setConfig({ testTimeout: 60_000 })

interface Counted {
  readonly first: WebgpuCounts
  /** Each later step. */
  readonly later: readonly WebgpuCounts[]
  /** Most bytes alive at one moment, from before the model was made to after the last step. */
  readonly peakBytes: number
  /** Since the device was made, for the parameters' first values and the optimizer too. */
  readonly pipelines: number
  /** By the plan of a step. */
  readonly bytesMoved: number
}

const gpu = nullGpu()
const counts = countWebgpu()

function since({ ...before }: WebgpuCounts): WebgpuCounts {
  const { dispatches, submits, maps, buffersCreated, bindGroupsCreated, pipelinesCreated, liveBytes, peakBytes } = counts
  return {
    dispatches: dispatches - before.dispatches,
    submits: submits - before.submits,
    maps: maps - before.maps,
    buffersCreated: buffersCreated - before.buffersCreated,
    bindGroupsCreated: bindGroupsCreated - before.bindGroupsCreated,
    pipelinesCreated: pipelinesCreated - before.pipelinesCreated,
    liveBytes,
    peakBytes,
  }
}

async function countSteps(sizes: GptSizes, steps = 4): Promise<Counted> {
  const device: Device = await requestDevice('webgpu', { gpu })
  counts.liveBytes = counts.peakBytes = 0
  const before = { ...counts }
  const plans = observePlans(device)
  const { step, inputs, targets } = gptTraining(sizes, device)
  const each: WebgpuCounts[] = []
  for (let i = 0; i < steps; i++) {
    const before = { ...counts }
    step(inputs, targets).dispose()
    each.push(since(before))
  }
  const [first, ...later] = each
  device.close()
  const { pipelinesCreated: pipelines } = since(before)
  return { first, later, peakBytes: counts.peakBytes, pipelines, bytesMoved: Math.max(...plans.map(planBytes)) }
}

describe.each([
  ['L4 C128 H4 T128 B8', SMALL],
  ['L6 C384 H6 T256 B8, more than one buffer holds', { L: 6, C: 384, H: 6, T: 256, B: 8, V: 512 }],
])('a step of a GPT with %s', (_, sizes) => {
  let counted: Counted
  beforeAll(async () => {
    counted = await countSteps(sizes)
  })

  test('has at most the kernels of llm.c, 29L + 27', () => {
    for (const { dispatches } of counted.later) expect(dispatches).toBeLessThanOrEqual(llmcDispatches(sizes))
  })

  test('is one submission from the second on', () => {
    for (const { submits } of counted.later) expect(submits).toBe(1)
  })

  test('reads nothing back', () => {
    expect(counted.first.maps).toBe(0)
    for (const { maps } of counted.later) expect(maps).toBe(0)
  })

  test('creates no buffer, bind group or pipeline from the second on', () => {
    for (const { buffersCreated, bindGroupsCreated, pipelinesCreated } of counted.later) expect([buffersCreated, bindGroupsCreated, pipelinesCreated]).toEqual([0, 0, 0])
  })

  test('needs at most 40 pipelines', () => {
    expect(counted.pipelines).toBeGreaterThan(counted.first.pipelinesCreated)
    expect(counted.pipelines).toBeLessThanOrEqual(40)
  })

  test('moves at most 1.1 times the bytes that it must', () => {
    expect(counted.bytesMoved).toBeGreaterThan(leastBytesMoved(sizes))
    expect(counted.bytesMoved).toBeLessThanOrEqual(1.1 * leastBytesMoved(sizes))
  })

  test('holds at most 1.15 times the bytes that it must', () => {
    expect(counted.peakBytes).toBeGreaterThan(16 * parameterCount(sizes))
    expect(counted.peakBytes).toBeLessThanOrEqual(1.15 * leastPeakBytes(sizes))
  })
})

// What is reached now, by formula: a change that adds a kernel to every layer must not go unseen. Where a device binds more buffers, sums that layers
// share and the loss need fewer kernels, so these are two formulas.
describe.each([2, 4, 6])('%s layers', L => {
  test('take at most 22L + 17 kernels with eight buffers a kernel, and 40 pipelines', async () => {
    const { later, pipelines } = await countSteps({ ...SMALL, L }, 2)
    expect(pipelines).toBeLessThanOrEqual(40)
    expect(later[0].dispatches).toBeLessThanOrEqual(22 * L + 17)
  })

  test('take at most 19L + 18 kernels with any number of buffers', async () => {
    const device = await requestDevice('wasm', { threads: 1 })
    const { step, inputs, targets } = gptTraining({ ...SMALL, T: 16, B: 2, L }, device)
    step(inputs, targets).dispose()
    const before = device.counts.dispatches
    step(inputs, targets).dispose()
    expect(device.counts.dispatches - before).toBeLessThanOrEqual(19 * L + 18)
    device.close()
  })
})
