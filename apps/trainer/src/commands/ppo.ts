// `abovo ppo`: a model learns from a reward, a learned one or a rule, to answer better.
import { join } from 'node:path'
import type { Reward } from '@abovo/rlhf-ppo'
import type { Device } from '@abovo/tensor-webgpu'
import { z } from 'zod'
import { goldReward, goldRewardNames } from '../alignment/gold-reward.js'
import { parsePrompts } from '../alignment/prompts.js'
import { Failure } from '../failure.js'
import { pathFrom } from '../session.js'
import { options } from '../settings/options.js'
import { checkSettings } from '../settings/read-settings.js'
import { findCheckpoint } from '../stages/find-model.js'
import { runPpo } from '../stages/ppo-stage.js'
import { openRewardModel } from '../stages/reward-model-files.js'
import type { TrainedModel } from '../stages/trained-model.js'
import { freeRunPath, RunFolder } from '../storage/run-folder.js'
import { conduct, type Perform } from './conduct.js'
import { checkFacts, openOrigin, readRows } from './origin.js'
import { verb } from './verb.js'

export const ppoSettings = z.object({
  seed: options.seed,
  steps: options.steps.default(30).describe('updates in all (30)'),
  batchSize: options.batchSize.default(64).describe('answers an update (64)'),
  lr: options.lr.default(2e-4).describe('learning rate at the start; it falls to 0 (0.0002)'),
  klCoefficient: options.klCoefficient,
  epochs: options.epochs,
  minibatches: options.minibatches,
  responseLength: options.responseLength,
  checkpointEvery: options.checkpointEvery.default(10).describe('updates between checkpoints (10)'),
})

/** Steps, batches and minibatches must divide: said before anything is computed. */
export function checkPpoSettings({ batchSize, minibatches }: z.output<typeof ppoSettings>): void {
  if (batchSize % minibatches !== 0) throw new Failure('usage', `--batch-size must be a multiple of --minibatches, got ${batchSize} and ${minibatches}`)
}

export const ppo = verb({
  name: 'ppo',
  summary: 'improve a model by PPO on prompts: {"prompt": …}',
  operand: { name: 'RUN', description: 'the run to begin from, usually one of sft; it is the reference too' },
  settings: z.object({ data: options.data, reward: options.reward, out: options.out, device: options.device, threads: options.threads, keep: options.keep, ...ppoSettings.shape }),
  run: async (settings, { session, operand }) => {
    checkPpoSettings(settings)
    const { rows, facts } = await readRows(pathFrom(session, settings.data), parsePrompts)
    const path = settings.out === undefined ? await freeRunPath(join(session.folder, 'runs'), 'ppo') : pathFrom(session, settings.out)
    const isGold = goldRewardNames.some(name => name === settings.reward)
    session.terminal.line(`${rows.length} prompts → ${path}`)
    await conduct(performPpo, {
      session, settings,
      open: async device => {
        const origin = await openOrigin(pathFrom(session, operand), device)
        const reward = isGold ? settings.reward : pathFrom(session, settings.reward)
        await openReward(reward, origin, device)   // before there is a run
        return RunFolder.create(path, { verb: 'ppo', settings: ppoSettings.parse(settings), facts: { ...origin.facts, ...facts, reward } }, { keep: settings.keep })
      },
    })
  },
})

export const performPpo: Perform = async (run, { session, device }) => {
  const { record, path } = run
  const settings = checkSettings(ppoSettings, record.settings, name => `${path}/run.json: ${name}`)
  const { rows, facts } = await readRows(String(record.facts['data']), parsePrompts)
  const origin = await openOrigin(String(record.facts['origin']), device)
  checkFacts(record, { ...origin.facts, ...facts })
  const reward = await openReward(String(record.facts['reward']), origin, device)
  await runPpo(origin, reward, rows, { run, settings, session, endToken: origin.endToken })
  session.terminal.line(`  next: ${session.command('chat', path)}`)
}

async function openReward(name: string, origin: TrainedModel, device: Device): Promise<Reward> {
  const gold = goldRewardNames.find(known => known === name)
  if (gold !== undefined) {
    const { score } = goldReward(gold)
    return samples => samples.map(({ response }) => score(response))
  }
  const found = await findCheckpoint(name, ['reward'])
  const { rewardModel, bytes } = openRewardModel(found.files, { device, where: found.folder })
  if (Buffer.compare(bytes, origin.bytes) !== 0) throw new Failure('input', `${found.folder}/tokenizer.json: policy and reward model must have the same vocabulary, got two; train the reward model from this run`)
  return rewardModel
}
