// The enumerable world at length: several worlds and seeds, the hidden non-additive reward, and PPO on a learned reward judged by the gold one.
//   node tooling/run-source.mjs packages/rlhf-ppo/bench world [--worlds 11,22,33] [--device wasm]     (in the workspace's root)
import { parseArgs } from 'node:util'
import { requestDevice } from '@abovo/tensor-webgpu'
import type { RewardFunction } from '../src/index.ts'
import { bestOf, enumerateAll, ppoFigures, ppoStage, rlooStage, rewardStage, sftFigures, sftStage } from '../test/stages.ts'
import { expectation, gold, goldReward, makeWorld } from '../test/world.ts'

const { values } = parseArgs({ options: { worlds: { type: 'string', default: '11,22,33' }, device: { type: 'string', default: 'wasm' } } })
const kind = (['reference', 'wasm', 'webgpu'] as const).find(name => name === values.device)
if (kind === undefined) throw new Error(`bench: --device must be reference, wasm or webgpu, got ${values.device}`)
const device = await requestDevice(kind)

let start = performance.now()
function report(world: number, stage: string, figures: object): void {
  const rounded = Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, typeof value === 'number' ? Number(value.toFixed(4)) : value]))
  console.log(JSON.stringify({ world, stage, seconds: Number(((performance.now() - start) / 1000).toFixed(1)), ...rounded }))
  start = performance.now()
}

for (const seed of values.worlds.split(',').map(Number)) {
  const world = makeWorld(seed)
  start = performance.now()
  const { model, loss } = await sftStage(world, { device, steps: 500, seed })
  const reference = await enumerateAll(model, world)
  const { masses, ...sft } = sftFigures(world, reference)
  report(seed, 'sft', { ...sft, lastBatchLoss: loss, massError: Math.max(...masses.map(mass => Math.abs(mass - 1))) })

  const saved = await model.stateDict()
  const { rewardModel, figures } = await rewardStage(world, model, { steps: 600, seed })
  report(seed, 'reward model', figures)

  const goldRun = await ppoStage(world, model, { updates: 60, reward: goldReward })
  report(seed, 'ppo, gold reward', { ...ppoFigures(world, { reference, policy: await enumerateAll(goldRun.ppo.policy, world) }), loggedKl: goldRun.loggedKl })

  model.loadStateDict(saved)
  const rloo = await rlooStage(world, model, { updates: 60 })
  report(seed, 'rloo, gold reward', ppoFigures(world, { reference, policy: await enumerateAll(rloo, world) }))
  report(seed, 'best of n, gold reward', Object.fromEntries([1, 4, 16, 64].map(n => [n, bestOf(n, world, reference)])))

  model.loadStateDict(saved)
  const bigram = (prompt: number, response: readonly number[]): number => response.filter((token, t) => t > 0 && response[t - 1] === prompt && token === (prompt % 6) + 1).length * 2
  const hidden: RewardFunction = samples => samples.map(sample => bigram(sample.promptIds[0], sample.responseIds))
  const hiddenRun = await ppoStage(world, model, { updates: 80, reward: hidden })
  const hiddenRewards = world.prompts.map(prompt => Float64Array.from(world.responses, response => bigram(prompt, response)))
  report(seed, 'ppo, hidden bigram', ppoFigures(world, { reference, policy: await enumerateAll(hiddenRun.ppo.policy, world), rewards: hiddenRewards }))

  model.loadStateDict(saved)
  const learned: Float64Array[] = []
  for (const prompt of world.prompts) learned.push(await rewardModel.scoreExamples(world.responses.map(completion => ({ prompt: [prompt], completion }))))
  const learnedRun = await ppoStage(world, model, { updates: 60, reward: rewardModel })
  const policy = await enumerateAll(learnedRun.ppo.policy, world)
  const goldOf = (logProbs: readonly Float64Array[]): number => world.prompts.reduce((total, prompt, i) => total + expectation(logProbs[i], r => gold(prompt, world.responses[r])), 0) / world.prompts.length
  report(seed, 'ppo, learned reward', { ...ppoFigures(world, { reference, policy, rewards: learned }), goldBefore: goldOf(reference), goldAfter: goldOf(policy) })
}
device.close()
