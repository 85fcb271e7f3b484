// Tuning may change how fast a step is, never a bit of it: a GPT trained under the slowest choices that a tuner could have recorded ends where one
// ends that was never tuned.
import { requestDevice, type Device } from '@abovo/tensor-webgpu'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { expect, test } from 'vitest'
import { batchOf, gptTraining } from '../bench/instruments/gpt-training.js'

const sizes = { L: 1, C: 32, H: 2, T: 16, B: 4, V: 64 }

/** Losses of a few steps, then all parameters. */
async function train(device: Device): Promise<number[]> {
  const { step, parameters } = gptTraining(sizes, device)
  const losses: number[] = []
  for (let i = 0; i < 3; i++) {
    const { inputs, targets } = batchOf(sizes, 1 + i, device)
    losses.push(await step(inputs, targets).item())
  }
  return [...losses, ...(await Promise.all(Object.values(parameters).map(async parameter => [...(await parameter.data())]))).flat()]
}

interface Recorded {
  readonly generator: number
  readonly choices: Record<string, { name: string; exact: boolean; microseconds: Record<string, number | null> }>
}

describeOnAdapters('a GPT step', ({ gpu }) => {
  test('has the same bits under another tuner choice', async () => {
    const device = await requestDevice('webgpu', { gpu })
    const untuned = await train(device)
    // compiling candidates is what takes time; what costs most in the step comes first
    const recorded = JSON.parse((await device.tune?.({ totalMs: 20_000, candidateMs: 1, compileMs: 60_000 })) ?? '') as Recorded
    device.close()
    let changed = 0
    for (const choice of Object.values(recorded.choices)) {
      const [seed] = Object.keys(choice.microseconds)
      const [[slowest]] = Object.entries(choice.microseconds).sort(([, a], [, b]) => (b ?? 0) - (a ?? 0))
      choice.name = slowest
      changed += slowest === seed ? 0 : 1
    }
    expect(changed).toBeGreaterThan(0)
    const other = await requestDevice('webgpu', { gpu, tuning: { load: async () => JSON.stringify(recorded), save: async () => {} } })
    expect(await train(other)).toEqual(untuned)
    other.close()
  }, 300_000)
})
