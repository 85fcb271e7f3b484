// The float64 reference device and WASM must learn the same from the same rows: every gradient counts here, not only a falling loss.
import { Gpt, type StateDict } from '@abovo/nn-transformer'
import { requestDevice, type Device } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { Ppo, RewardModel, RewardTrainer, SftTrainer, type RankedExample } from '../src/index.ts'

const reference = await requestDevice('reference')
const wasm = await requestDevice('wasm')
const config = { vocabSize: 11, nPositions: 24, nEmbd: 24, nLayer: 2, nHead: 3 }
const gpt = (device: Device) => new Gpt(config, { seed: 4, device })
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

test('SFT', async () => {
  const run = async (device: Device) => {
    const trainer = new SftTrainer(gpt(device), settings)
    for (let i = 0; i < 5; i++) await trainer.update(examples).read()
    return trainer.model.stateDict()
  }
  expect(furthest(await run(wasm), await run(reference))).toBeLessThan(2e-4)
})

test('reward model', async () => {
  const run = async (device: Device) => {
    const trainer = new RewardTrainer(await RewardModel.from(gpt(device), { seed: 3 }), settings)
    for (let i = 0; i < 5; i++) await trainer.update(preferences).read()
    return trainer.rewardModel.model.stateDict()
  }
  expect(furthest(await run(wasm), await run(reference))).toBeLessThan(2e-4)
})

test('PPO on one rollout', async () => {
  const run = async (device: Device) => {
    const ppo = await Ppo.from({ policy: gpt(device), reward: samples => samples.map(sample => sample.responseIds.length), endToken: 0, responseLength: 7, minibatches: 5, epochs: 1, ...settings })
    const samples = preferences.map(({ prompt, completions }) => ({ prompt: '', response: '', ended: true, promptIds: Array.from(prompt), responseIds: Array.from(completions[0]).slice(0, 7) }))
    await ppo.update(ppo.advantages(await ppo.score({ samples, sampledLogProbs: [] })))
    return new Map([...(await ppo.policy.stateDict()), ...(await ppo.models.value.stateDict())])
  }
  expect(furthest(await run(wasm), await run(reference))).toBeLessThan(2e-4)
})
