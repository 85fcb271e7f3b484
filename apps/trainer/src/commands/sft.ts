// `abovo sft`: a model learns from demonstrations how to answer.
import { join } from 'node:path'
import { parseDemonstrations } from '@abovo/rlhf-ppo'
import { z } from 'zod'
import { pathFrom } from '../session.js'
import { options } from '../settings/options.js'
import { checkSettings } from '../settings/read-settings.js'
import { runSft } from '../stages/sft-stage.js'
import { freeRunPath, RunFolder } from '../storage/run-folder.js'
import { conduct, type Perform } from './conduct.js'
import { checkFacts, openOrigin, readRows } from './origin.js'
import { verb } from './verb.js'

export const sftSettings = z.object({
  seed: options.seed,
  steps: options.steps.default(120).describe('in all (120)'),
  batchSize: options.batchSize.default(16).describe('rows a step (16)'),
  lr: options.lr.default(5e-4).describe('learning rate at the start; it falls to 0 (0.0005)'),
  checkpointEvery: options.checkpointEvery,
})

export const sft = verb({
  name: 'sft',
  summary: 'fine-tune a model on demonstrations: {"prompt": …, "completion": …}',
  operand: { name: 'RUN', description: 'the run to begin from' },
  settings: z.object({ data: options.data, out: options.out, device: options.device, threads: options.threads, keep: options.keep, ...sftSettings.shape }),
  run: async (settings, { session, operand }) => {
    const { rows, facts } = await readRows(pathFrom(session, settings.data), parseDemonstrations)
    const path = settings.out === undefined ? await freeRunPath(join(session.folder, 'runs'), 'sft') : pathFrom(session, settings.out)
    session.terminal.line(`${rows.length} demonstrations → ${path}`)
    await conduct(performSft, {
      session, settings,
      open: async device => {
        const origin = await openOrigin(pathFrom(session, operand), device)
        return RunFolder.create(path, { verb: 'sft', settings: sftSettings.parse(settings), facts: { ...origin.facts, ...facts } }, { keep: settings.keep })
      },
    })
  },
})

export const performSft: Perform = async (run, { session, device }) => {
  const { record, path } = run
  const settings = checkSettings(sftSettings, record.settings, name => `${path}/run.json: ${name}`)
  const { rows, facts } = await readRows(String(record.facts['data']), parseDemonstrations)
  const origin = await openOrigin(String(record.facts['origin']), device)
  checkFacts(record, { ...origin.facts, ...facts })
  await runSft(origin, rows, { run, settings, session, endToken: origin.endToken })
  session.terminal.line(`  next: ${session.command('chat', path)}`)
}
