import { Gpt } from '@abovo/nn-transformer'
import { requestDevice } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { completeSettings, copyGpt, Ppo, responseLogProbs, RewardModel, RlhfError, ScalarGpt, type PpoOptions, type RewardFunction } from '../src/index.ts'

const device = await requestDevice('reference')
const config = { vocabSize: 8, nPositions: 8, nEmbd: 8, nLayer: 1, nHead: 2 }
const prompts = [[2], [3, 4], [5], [2, 2], [6], [7, 3], [4], [5, 5]]
const reward: RewardFunction = samples => samples.map(({ responseIds }) => responseIds.filter(id => id === 3).length)
const options = { reward, endToken: 1, responseLength: 4, learningRate: 1e-2, epochs: 2, minibatches: 2, seed: 5, klControl: 0.1 }
const make = (changes: Partial<PpoOptions> = {}, seed = 4) => Ppo.from({ policy: new Gpt(config, { seed, device }), ...options, ...changes })
const weights = async ({ models }: Ppo) => [...(await models.policy.stateDict()).values(), ...(await models.value.stateDict()).values()].flatMap(({ data }) => Array.from(data))
const distance = (a: number[], b: number[]) => Math.max(...a.map((value, i) => Math.abs(value - b[i])))

test.each([1, 0.7])('at temperature %f the ratio is 1 and nothing is clipped on the first minibatch, not after', async temperature => {
  const { minibatches } = await (await make({ temperature })).step(prompts)
  expect(minibatches).toHaveLength(4)
  expect(minibatches[0]['val/ratio']).toBeCloseTo(1, 12)
  expect(minibatches[0]['policy/clipfrac']).toBe(0)
  expect(minibatches[0]['val/clipfrac']).toBe(0)
  expect(minibatches[0]['policy/approxkl']).toBeLessThan(1e-20)
  expect(minibatches[3]['policy/approxkl']).toBeGreaterThan(1e-6)
})

test('log-probabilities of sampling with the cache are those of a full pass, at the temperature', async () => {
  for (const temperature of [1, 0.7]) {
    const ppo = await make({ temperature })
    const rollout = await ppo.rollout(prompts)
    const full = await responseLogProbs(ppo.policy, rollout.samples.map(({ promptIds, responseIds }) => ({ prompt: promptIds, completion: responseIds })), { temperature })
    const { experiences } = await ppo.score(rollout)
    full.forEach((row, b) => {
      row.forEach((logProb, t) => expect(rollout.sampledLogProbs[b][t]).toBeCloseTo(logProb, 5))
      expect(distance(Array.from(row), Array.from(experiences[b].logProbs))).toBeLessThan(1e-12)
    })
  }
})

test('before the first update policy and reference agree and the critic says 0', async () => {
  const ppo = await make()
  const { experiences } = await ppo.score(await ppo.rollout(prompts))
  for (const { logProbs, referenceLogProbs, values } of experiences) {
    expect(logProbs).toEqual(referenceLogProbs)
    expect([...values].every(value => value === 0)).toBe(true)
  }
})

test('after an update the KL is still measured from the frozen reference', async () => {
  const ppo = await make()
  await ppo.step(prompts)
  const { experiences } = await ppo.score(await ppo.rollout(prompts))
  const full = await responseLogProbs(ppo.models.reference, experiences.map(({ sample }) => ({ prompt: sample.promptIds, completion: sample.responseIds })))
  full.forEach((row, b) => expect(distance(Array.from(row), Array.from(experiences[b].referenceLogProbs))).toBeLessThan(1e-12))
  expect(experiences.some(({ logProbs, referenceLogProbs }) => Math.abs(logProbs[0] - referenceLogProbs[0]) > 1e-3)).toBe(true)
})

test('the reference is bit-equal after training', async () => {
  const ppo = await make()
  const before = await ppo.models.reference.stateDict()
  await ppo.step(prompts)
  expect(await ppo.models.reference.stateDict()).toEqual(before)
  expect(await ppo.policy.stateDict()).not.toEqual(before)
})

test('responses end with the first end token and what stands at padding changes no weight', async () => {
  const [one, other] = [await make(), await make({ padToken: 6 })]
  const report = await one.step(prompts)
  for (const { sample } of report.batch.experiences) {
    expect(sample.responseIds.indexOf(1)).toBe(sample.ended ? sample.responseIds.length - 1 : -1)
    expect(sample.ended || sample.responseIds.length === 4).toBe(true)
  }
  await other.step(prompts)
  expect(distance(await weights(one), await weights(other))).toBe(0)
})

test('micro-batches give the weights of the whole minibatch', async () => {
  const [whole, parts] = [await make(), await make({ microBatches: 4 })]
  const a = await whole.step(prompts)
  const b = await parts.step(prompts)
  expect(distance(await weights(whole), await weights(parts))).toBeLessThan(1e-9)
  expect(b.metrics['loss/policy_avg']).toBeCloseTo(a.metrics['loss/policy_avg'], 9)
})

test('a higher learning rate clips more', async () => {
  const fraction = async (learningRate: number) => (await (await make({ epochs: 4, learningRate })).step(prompts)).metrics['policy/clipfrac_avg']
  expect(await fraction(1e-1)).toBeGreaterThan(await fraction(1e-3))
})

test.each([
  ['throws', () => { throw new Error('oracle is down') }],
  ['is NaN', (samples: readonly unknown[]) => samples.map((_, i) => (i === 3 ? NaN : 0))],
] satisfies [string, RewardFunction][])('a reward that %s changes nothing: the same step can be taken again', async (_, broken) => {
  let failing = false
  const ppo = await make({ reward: samples => (failing ? broken(samples) : reward(samples)) })
  const steady = await make()
  await ppo.step(prompts)
  failing = true
  await expect(ppo.step(prompts)).rejects.toThrow(/^reward: .* sample (0|3) \(prompt/)
  failing = false
  expect(ppo.updates).toBe(1)
  await ppo.step(prompts)
  await steady.step(prompts)
  await steady.step(prompts)
  expect(await weights(ppo)).toEqual(await weights(steady))
})

test('a restored trainer goes on with the same bits, adaptive coefficient included', async () => {
  const changes = { klControl: { initial: 0.2, target: 1, horizon: 100 } }
  const run = async (ppo: Ppo, updates: number) => {
    const reports = []
    for await (const { metrics } of ppo.train({ prompts, updates, batchSize: 8 })) reports.push(metrics)
    return reports
  }
  const whole = await make(changes)
  await run(whole, 2)
  const saved = structuredClone(await whole.state())
  const rest = await run(whole, 4)
  const resumed = await make(changes, 77)
  resumed.restore(saved)
  // the schedule of `train` runs to its own end, so both are asked for the same end
  expect(await run(resumed, 4)).toEqual(rest)
  expect(await weights(resumed)).toEqual(await weights(whole))
  expect(resumed.klCoefficient).not.toBe(0.2)
})

test('metrics agree with the batch they come from', async () => {
  const ppo = await make()
  await ppo.step(prompts)
  const { metrics, batch } = await ppo.step(prompts)
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length
  expect(metrics['objective/kl']).toBeCloseTo(mean(batch.experiences.map(e => e.logProbs.reduce((sum, logProb, t) => sum + logProb - e.referenceLogProbs[t], 0))), 10)
  expect(metrics['objective/non_score_reward']).toBeCloseTo(-0.1 * metrics['objective/kl'], 10)
  expect(metrics['objective/rlhf_reward']).toBeCloseTo(metrics['objective/scores'] + metrics['objective/non_score_reward'], 10)
  expect(metrics['val/num_eos_tokens']).toBe(batch.experiences.filter(e => e.sample.ended).length)
  expect(metrics.episode).toBe(16)
})

test('pretraining text stays likelier with PPO-ptx than without', async () => {
  const text = [{ prompt: [7], completion: [6, 7, 6, 7, 6] }]
  const after = async (pretraining: PpoOptions['pretraining']) => {
    const ppo = await make({ pretraining, microBatches: 2 })
    for (let i = 0; i < 3; i++) await ppo.step(prompts)
    return (await responseLogProbs(ppo.policy, text))[0].reduce((a, b) => a + b)
  }
  expect(await after({ examples: text, coefficient: 5 })).toBeGreaterThan((await after(undefined)) + 1)
})

test('with a reward model the value network starts from its body, with a zero head', async () => {
  const rewardModel = await RewardModel.from(new Gpt(config, { seed: 9, device }), { seed: 1 })
  const ppo = await make({ reward: rewardModel })
  const body = async (model: ScalarGpt) => [...(await model.stateDict())].filter(([name]) => name !== 'score.weight')
  expect(await body(ppo.models.value)).toEqual(await body(rewardModel.model))
  expect([...(await ppo.models.value.score.weight.data())].every(w => w === 0)).toBe(true)
  expect((await ppo.step(prompts)).metrics['objective/scores']).not.toBe(0)
})

test('the policy itself cannot be its reference', async () => {
  const policy = new Gpt(config, { seed: 4, device })
  const value = await ScalarGpt.from(policy, { head: 'zero' })
  expect(() => new Ppo({ policy, reference: policy, value }, options)).toThrow('another model than the policy')
  expect(new Ppo({ policy, reference: await copyGpt(policy), value }, options).updates).toBe(0)
})

test('what is not said has the value of the literature', () => {
  expect(completeSettings({ endToken: 0, responseLength: 8 })).toMatchObject({ gamma: 1, lambda: 0.95, clipRange: 0.2, valueClipRange: 0.2, valueWeight: 0.1, epochs: 4, eps: 1e-5, maxGradNorm: 1, whitenAdvantages: 'biased', whitenRewards: false, temperature: 1, klEstimator: 'k1' })
})

test('settings that do not fit are named all at once', async () => {
  await expect(make({ epochs: 0, clipRange: -1, missingEnd: { penalty: 1, replacement: -1 } })).rejects.toThrow(/epochs.*clipRange.*missingEnd/)
  await expect(make({ learningRate: -1, valueWeight: NaN, klEstimator: JSON.parse('"k9"'), whitenAdvantages: JSON.parse('true') })).rejects.toThrow(/learningRate must be 0 or more, got -1; valueWeight .*; klEstimator must be one of k1, k2, k3, got k9; whitenAdvantages .*got true/)
  await expect(make({ endToken: 8 })).rejects.toThrow('the end token must be a token id below the vocabulary size 8, got 8; ')
  await expect(make({ maxGradNorm: 0 })).rejects.toThrow('maxGradNorm must be positive, got 0; null')
  await expect((await make()).step(prompts.slice(0, 3))).rejects.toThrow('2 minibatches of 1 parts, got 3 responses')
  await expect((await make({ responseLength: 7 })).step(prompts)).rejects.toThrow('context of 8 tokens, got 2 and 7')
})

test('a minibatch whose loss is not finite changes nothing and is told', async () => {
  const ppo = await make()
  const batch = ppo.advantages(await ppo.score(await ppo.rollout(prompts)))
  const before = await weights(ppo)
  batch.experiences.forEach(({ returns }) => returns.fill(NaN))
  const failure = await ppo.update(batch).then(() => null, error => error)
  expect(failure).toBeInstanceOf(RlhfError)
  expect(failure.code).toBe('diverged')
  expect(failure.message).toContain('"loss/value":"NaN"')
  expect(await weights(ppo)).toEqual(before)
  await expect(ppo.step(prompts, { learningRate: NaN })).rejects.toThrow('learning rate must be 0 or more, and finite, got NaN')
})
