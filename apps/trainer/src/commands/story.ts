// `abovo story`, what `npm start` does: the whole road from a text to an aligned model, in one new folder with a run for each stage. A story that was
// interrupted is told again from the start, and each stage goes on from its own checkpoint.
import { join } from 'node:path'
import { z } from 'zod'
import { describeDevice, requirePrecision } from '../device.js'
import { pathFrom, type Session } from '../session.js'
import { options } from '../settings/options.js'
import { checkSettings } from '../settings/read-settings.js'
import { align } from '../stages/align.js'
import { pretrain } from '../stages/pretrain.js'
import { reportPretrained } from '../stages/pretrain-report.js'
import { freeRunPath, RunFolder } from '../storage/run-folder.js'
import { openOrCreate, sourceOf } from '../storage/run-source.js'
import { clock } from '../terminal/figures.js'
import { readSourceText } from '../text/source-text.js'
import { conduct, type Perform } from './conduct.js'
import { checkPpoSettings, ppoSettings } from './ppo.js'
import { checkPretrainSettings, pretrainOptions, pretrainSettings } from './pretrain-settings.js'
import { rewardSettings } from './reward.js'
import { sftSettings } from './sft.js'
import { trainRecord } from './train.js'
import { verb } from './verb.js'

const storySettings = z.object({
  ...pretrainOptions,
  until: options.until,
  preference: options.preference,
  sftSteps: sftSettings.shape.steps,
  rewardSteps: rewardSettings.shape.steps,
  ppoSteps: ppoSettings.shape.steps,
  ppoBatchSize: ppoSettings.shape.batchSize,
  responseLength: options.responseLength,
})

export const story = verb({
  name: 'story',
  summary: 'the whole road, from a text to an aligned model (what abovo does without a verb)',
  settings: z.object({ text: options.text, out: options.out, device: options.device, threads: options.threads, ...storySettings.shape }),
  run: async (settings, { session }) => {
    checkPretrainSettings(settings)
    stageSettings(settings)
    const source = await readSourceText(settings.text === undefined ? null : pathFrom(session, settings.text))
    const path = settings.out === undefined ? await freeRunPath(join(session.folder, 'runs'), 'story') : pathFrom(session, settings.out)
    await conduct(performStory, {
      session, settings,
      open: device => {
        requirePrecision(device, settings.precision)
        return RunFolder.create(path, { ...trainRecord(pretrainSettings.parse(settings), source, device.kind), verb: 'story', settings: storySettings.parse(settings) })
      },
    })
  },
})

export const performStory: Perform = async (run, { session, device }) => {
  const { terminal } = session
  const began = performance.now()
  const settings = checkSettings(storySettings, run.record.settings, name => `${run.path}/run.json: ${name}`)
  const source = await sourceOf(run.record)
  terminal.line(`${terminal.style('bold', 'Ab ovo')}: a language model from the egg`)
  terminal.line(`  text    ${source.path ?? 'Moby-Dick, by Herman Melville'}`)
  terminal.line(`  device  ${describeDevice(device)}`)
  terminal.line(`  folder  ${run.path}`)

  terminal.heading('1. Pre-training: guess the next token')
  const record = trainRecord(pretrainSettings.parse(run.record.settings), source, device.kind)
  const pretrainRun = await openOrCreate(join(run.path, 'pretrain'), record, { home: run.path })
  const pretrained = await pretrain({ run: pretrainRun, settings, source, device, session })
  const report = await reportPretrained(pretrained, { run: pretrainRun, session, seed: settings.seed })

  if (settings.until !== 'pretrain') await align(pretrained, { run, session, until: settings.until, preference: settings.preference, settings: stageSettings(settings), pretrainedBitsPerByte: report.evaluation.bitsPerByte })
  suggest(session, run, settings.until)
  terminal.line(`  (all of this took ${clock((performance.now() - began) / 1000)})`)
}

/** The stages' settings, all but the story's own options at their defaults. */
function stageSettings({ seed, sftSteps, rewardSteps, ppoSteps, ppoBatchSize, responseLength }: z.output<typeof storySettings>) {
  const ppo = ppoSettings.parse({ seed, steps: ppoSteps, batchSize: ppoBatchSize, responseLength })
  checkPpoSettings(ppo)
  return { sft: sftSettings.parse({ seed, steps: sftSteps }), reward: rewardSettings.parse({ seed, steps: rewardSteps, heldOutRankings: 32 }), ppo }
}

function suggest(session: Session, { path }: RunFolder, until: string): void {
  const { terminal } = session
  terminal.heading('What next')
  const rows = [
    [session.command('chat', path), until === 'pretrain' ? 'talk to it' : 'talk to the last stage'],
    [session.command('sample', path, '--prompt', '"The whale"', '--samples', '3'), ''],
    [session.command('resume', join(path, 'pretrain'), '--steps', '6000'), 'train the first stage longer'],
    [session.command('--text', 'YOUR.txt'), 'the same with a text of yours'],
    [session.command('--help'), 'all commands'],
  ]
  const width = Math.max(...rows.map(([command]) => command.length))
  for (const [command, what] of rows) terminal.line(`  ${command.padEnd(width)}   ${terminal.style('dim', what)}`.trimEnd())
}
