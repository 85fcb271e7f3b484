// What a training step in mixed precision may ask of a GPU, beside the same step in f32 on the same adapter. Where no adapter has f16 nothing is counted:
// Dawn's null backend computes nothing, so it cannot show that halves work.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { requestDevice } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { countWebgpu, type WebgpuCounts } from '../bench/instruments/count-webgpu.js'
import { llmcDispatches, parameterCount, SMALL } from '../bench/instruments/gpt-minimum.js'
import { gptTraining } from '../bench/instruments/gpt-training.js'
import { observePlans } from '../bench/instruments/observed-plan.js'
import { planBytes } from '../bench/instruments/plan-bytes.js'

const counts = countWebgpu()

interface Counted {
  /** Of each step from the second on. */
  readonly later: readonly Pick<WebgpuCounts, 'dispatches' | 'submits' | 'maps' | 'buffersCreated' | 'bindGroupsCreated' | 'pipelinesCreated'>[]
  readonly peakBytes: number
  readonly bytesMoved: number
}

describeOnAdapters('a step of a GPT in mixed precision', ({ gpu }) => {
  async function countSteps(precision: 'f32' | 'mixed'): Promise<Counted> {
    const device = await requestDevice('webgpu', { gpu })
    counts.liveBytes = counts.peakBytes = 0
    const { step, inputs, targets } = gptTraining(SMALL, device, { precision })
    const plans = observePlans(device)
    const later: Counted['later'][number][] = []
    for (let i = 0; i < 3; i++) {
      const before = { ...counts }
      step(inputs, targets).dispose()
      const since = (name: keyof Counted['later'][number]): number => counts[name] - before[name]
      if (i > 0) later.push({ dispatches: since('dispatches'), submits: since('submits'), maps: since('maps'), buffersCreated: since('buffersCreated'), bindGroupsCreated: since('bindGroupsCreated'), pipelinesCreated: since('pipelinesCreated') })
    }
    device.close()
    return { later, peakBytes: counts.peakBytes, bytesMoved: Math.max(...plans.map(planBytes)) }
  }

  test('is one submission without a read or a new object, moves at most 0.6 of the bytes, and holds at most 0.6 of the activations', async () => {
    const probe = await requestDevice('webgpu', { gpu })
    const halves = probe.supports('f16')
    probe.close()
    if (!halves) return
    const [single, mixed] = [await countSteps('f32'), await countSteps('mixed')]
    for (const { dispatches, ...rest } of mixed.later) {
      expect(rest).toEqual({ submits: 1, maps: 0, buffersCreated: 0, bindGroupsCreated: 0, pipelinesCreated: 0 })
      expect(dispatches).toBeLessThanOrEqual(llmcDispatches(SMALL))
      // the cast of the parameters, and what the loss scale costs
      expect(dispatches - single.later[0].dispatches).toBeLessThanOrEqual(4)
    }
    expect(mixed.bytesMoved).toBeLessThanOrEqual(0.6 * single.bytesMoved)
    // parameters, moments and gradients take 16 bytes a parameter in f32; mixed 12 of masters and moments, 2 of the copy, 2 of the gradients
    const state = 16 * parameterCount(SMALL)
    expect(mixed.peakBytes - state).toBeLessThanOrEqual(0.6 * (single.peakBytes - state))
  }, 150_000)
})
