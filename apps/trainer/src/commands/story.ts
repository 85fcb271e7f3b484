// `abovo story`, what `npm start` does: the whole road from a text to a model, in one new folder with a run for each stage.
import { join } from 'node:path'
import { z } from 'zod'
import { describeDevice, openDevice } from '../device.js'
import { pathFrom, type Session } from '../session.js'
import { options } from '../settings/options.js'
import { pretrain } from '../stages/pretrain.js'
import { reportPretrained } from '../stages/pretrain-report.js'
import { freeRunPath, type RunFolder } from '../storage/run-folder.js'
import { readSourceText } from '../text/source-text.js'
import { checkPretrainSettings, pretrainOptions, pretrainSettings } from './pretrain-settings.js'
import { createPretrainRun } from './train.js'
import { verb } from './verb.js'

export const story = verb({
  name: 'story',
  summary: 'the whole road, from a text to a model that talks (what abovo does without a verb)',
  settings: z.object({ text: options.text, out: options.out, device: options.device, threads: options.threads, ...pretrainOptions }),
  run: async (settings, { session }) => {
    checkPretrainSettings(settings)
    const { terminal } = session
    const source = await readSourceText(settings.text === undefined ? null : pathFrom(session, settings.text))
    const path = settings.out === undefined ? await freeRunPath(join(session.folder, 'runs'), 'story') : pathFrom(session, settings.out)
    const device = await openDevice(settings)
    const run = await createPretrainRun(path, { settings: pretrainSettings.parse(settings), source, device: device.kind })
    const lock = run.lock()
    try {
      terminal.line(`${terminal.style('bold', 'Ab ovo')}: a language model from the egg`)
      terminal.line(`  text    ${source.path ?? 'Moby-Dick, by Herman Melville'}`)
      terminal.line(`  device  ${describeDevice(device)}`)
      terminal.line(`  folder  ${run.path}`)
      terminal.heading('1. Pre-training: guess the next token')
      const trained = await pretrain({ run, settings, source, device, session })
      await reportPretrained(trained, { run, session, seed: settings.seed })
      suggest(session, run)
    } finally {
      lock.release()
      device.close()
    }
  },
})

function suggest(session: Session, { path }: RunFolder): void {
  const { terminal } = session
  terminal.heading('What next')
  terminal.line(`  ${session.command('chat', path)}`)
  terminal.line(`  ${session.command('sample', path, '--prompt', '"The whale"', '--samples', '3')}`)
  terminal.line(`  ${session.command('--text', 'YOUR.txt')}`)
  terminal.line(`  ${session.command('--help')}`)
}
