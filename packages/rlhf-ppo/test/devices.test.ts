// The float64 reference device and WASM must learn the same from the same rows: every gradient counts here, not only a falling loss.
import { Gpt, type StateDict } from '@abovo/nn-transformer'
import { requestDevice, type Device } from '@abovo/tensor-webgpu'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Ppo, responseLogProbs, RewardModel, RewardTrainer, Sampler, SftTrainer, type RankedExample } from '../src/index.ts'

const reference = await requestDevice('reference')
const config = { vocabSize: 11, nPositions: 24, nEmbd: 24, nHead: 3 }
const gpt = (device: Device, nLayer: number) => new Gpt({ ...config, nLayer }, { seed: 4, device })
// odd sizes on purpose: 5 prompts of 3 answers, rows of 2 to 21 tokens
const preferences: RankedExample[] = Array.from({ length: 5 }, (_, i) => ({
  prompt: Array.from({ length: 1 + i }, (__, t) => (3 * i + t) % 11),
  completions: [4 + i, 11, 3 * i + 1].map((length, a) => Array.from({ length }, (__, t) => (t === length - 1 ? 0 : (i * i + a * 5 + t * t) % 11))),
}))
const examples = preferences.map(({ prompt, completions }) => ({ prompt, completion: completions[0] }))

function furthest(a: StateDict, b: StateDict): number {
  return Math.max(...[...a].flatMap(([name, { data }]) => Array.from(data, (value, i) => Math.abs(value - (b.get(name)?.data[i] ?? NaN)))))
}

// eps 1e-3: with a small one Adam turns the sign of a gradient of 1e-9 into a whole step
const settings = { eps: 1e-3, learningRate: 1e-2 }

async function sft(device: Device, nLayer: number): Promise<StateDict> {
  const trainer = new SftTrainer(gpt(device, nLayer), settings)
  for (let i = 0; i < 5; i++) await trainer.update(examples).read()
  return trainer.model.stateDict()
}

async function rewardModel(device: Device, nLayer: number): Promise<StateDict> {
  const trainer = new RewardTrainer(await RewardModel.from(gpt(device, nLayer), { seed: 3 }), settings)
  for (let i = 0; i < 5; i++) await trainer.update(preferences).read()
  return trainer.rewardModel.model.stateDict()
}

/** Two updates on given responses: sampling would choose other tokens where two are as likely but for rounding. */
async function ppo(device: Device, nLayer: number): Promise<StateDict> {
  const trainer = await Ppo.from({ policy: gpt(device, nLayer), reward: samples => samples.map(sample => sample.responseIds.length), endToken: 0, responseLength: 7, minibatches: 5, epochs: 1, ...settings })
  const samples = preferences.map(({ prompt, completions }) => ({ prompt: '', response: '', ended: true, promptIds: Array.from(prompt), responseIds: Array.from(completions[0]).slice(0, 7) }))
  await trainer.update(trainer.advantages(await trainer.score({ samples, sampledLogProbs: [] })))
  return new Map([...(await trainer.policy.stateDict()), ...(await trainer.models.value.stateDict())])
}

describe('on wasm', async () => {
  const wasm = await requestDevice('wasm')
  test.each([['SFT', sft], ['reward model', rewardModel], ['PPO', ppo]] as const)('%s', async (_, stage) => {
    expect(furthest(await stage(wasm, 2), await stage(reference, 2))).toBeLessThan(2e-4)
  })
})

describeOnAdapters('on webgpu', adapter => {
  // One layer, and no training on lavapipe: it takes up to a second to compile a kernel.
  let device: Device
  beforeAll(async () => {
    device = await requestDevice('webgpu', { adapter: adapter.name === 'lavapipe' ? 'llvmpipe' : adapter.name })
  })
  afterAll(() => device?.close())

  test.skipIf(adapter.name === 'lavapipe')('PPO', { timeout: 120_000 }, async () => {
    expect(furthest(await ppo(device, 1), await ppo(reference, 1))).toBeLessThan(5e-4)
  })

  test('sampling', { timeout: 120_000 }, async () => {
    const sampler = new Sampler(gpt(device, 1), { endToken: 0, responseLength: 7 })
    const { samples, sampledLogProbs } = await sampler.sample([[1], [2, 3], [4]], 5)
    const full = await responseLogProbs(gpt(reference, 1), samples.map(({ promptIds, responseIds }) => ({ prompt: promptIds, completion: responseIds })))
    full.forEach((row, b) => row.forEach((logProb, t) => expect(sampledLogProbs[b][t]).toBeCloseTo(logProb, 4)))
  })
})
