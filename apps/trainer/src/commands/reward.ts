// `abovo reward`: a model learns from preferences to score answers.
import { join } from 'node:path'
import { parsePreferences } from '@abovo/rlhf-ppo'
import { z } from 'zod'
import { pathFrom } from '../session.js'
import { options } from '../settings/options.js'
import { checkSettings } from '../settings/read-settings.js'
import { runReward } from '../stages/reward-stage.js'
import { freeRunPath, RunFolder } from '../storage/run-folder.js'
import { percent } from '../terminal/figures.js'
import { conduct, type Perform } from './conduct.js'
import { checkFacts, openOrigin, readRows } from './origin.js'
import { verb } from './verb.js'

export const rewardSettings = z.object({
  seed: options.seed,
  steps: options.steps.default(60).describe('in all (60)'),
  batchSize: options.batchSize.default(16).describe('rankings a step (16)'),
  lr: options.lr.default(5e-4).describe('learning rate at the start; it falls to 0 (0.0005)'),
  heldOutRankings: options.heldOutRankings,
  checkpointEvery: options.checkpointEvery,
})

export const reward = verb({
  name: 'reward',
  summary: 'train a reward model on preferences: {"prompt": …, "chosen": …, "rejected": …} or completions with ranks',
  operand: { name: 'RUN', description: 'the run to begin from, usually one of sft' },
  settings: z.object({ data: options.data, out: options.out, device: options.device, threads: options.threads, keep: options.keep, ...rewardSettings.shape }),
  run: async (settings, { session, operand }) => {
    const { rows, facts } = await readRows(pathFrom(session, settings.data), parsePreferences)
    const path = settings.out === undefined ? await freeRunPath(join(session.folder, 'runs'), 'reward') : pathFrom(session, settings.out)
    session.terminal.line(`${rows.length} rankings → ${path}`)
    await conduct(performReward, {
      session, settings,
      open: async device => {
        const origin = await openOrigin(pathFrom(session, operand), device)
        return RunFolder.create(path, { verb: 'reward', settings: rewardSettings.parse(settings), facts: { ...origin.facts, ...facts } }, { keep: settings.keep })
      },
    })
  },
})

export const performReward: Perform = async (run, { session, device }) => {
  const { record, path } = run
  const settings = checkSettings(rewardSettings, record.settings, name => `${path}/run.json: ${name}`)
  const { rows, facts } = await readRows(String(record.facts['data']), parsePreferences)
  const origin = await openOrigin(String(record.facts['origin']), device)
  checkFacts(record, { ...origin.facts, ...facts })
  const { accuracy } = await runReward(origin, rows, { run, settings, session, endToken: origin.endToken })
  if (Number.isFinite(accuracy)) session.terminal.line(`  held-out pairs in the right order: ${percent(accuracy)}`)
  session.terminal.line(`  next: ${session.command('ppo', String(record.facts['origin']), '--reward', path, '--data', 'PROMPTS.jsonl')}`)
}
