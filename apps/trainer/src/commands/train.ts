// `abovo train`: a vocabulary and a GPT from a text, in a new run.
import { join } from 'node:path'
import { z } from 'zod'
import { describeDevice, openDevice } from '../device.js'
import { pathFrom, type Session } from '../session.js'
import { options } from '../settings/options.js'
import { pretrain, type PretrainSettings } from '../stages/pretrain.js'
import { reportPretrained } from '../stages/pretrain-report.js'
import { freeRunPath, RunFolder } from '../storage/run-folder.js'
import { readSourceText, type SourceText } from '../text/source-text.js'
import { checkPretrainSettings, pretrainOptions, pretrainSettings } from './pretrain-settings.js'
import { verb } from './verb.js'

export const train = verb({
  name: 'train',
  summary: 'learn a BPE vocabulary and a GPT from a text',
  settings: z.object({ text: options.text, out: options.out, device: options.device, threads: options.threads, keep: options.keep, ...pretrainOptions }),
  run: async (settings, { session }) => {
    checkPretrainSettings(settings)
    const source = await readSourceText(settings.text === undefined ? null : pathFrom(session, settings.text))
    const path = settings.out === undefined ? await freeRunPath(join(session.folder, 'runs'), source.name) : pathFrom(session, settings.out)
    const device = await openDevice(settings)
    const run = await createPretrainRun(path, { settings: pretrainSettings.parse(settings), source, device: device.kind, keep: settings.keep })
    session.terminal.line(`${source.path ?? 'Moby-Dick'} → ${run.path}, on ${describeDevice(device)}`)
    const lock = run.lock()
    try {
      const trained = await pretrain({ run, settings, source, device, session })
      await reportPretrained(trained, { run, session, seed: settings.seed })
      suggest(session, run)
    } finally {
      lock.release()
      device.close()
    }
  },
})

export function createPretrainRun(path: string, { settings, source, device, keep }: { settings: PretrainSettings; source: SourceText; device: string; keep?: number }): Promise<RunFolder> {
  const record = { verb: 'train', settings: { ...settings }, facts: { text: source.path ?? '', sha256: source.sha256, device } }
  return RunFolder.create(path, record, keep === undefined ? {} : { keep })
}

function suggest(session: Session, { path }: RunFolder): void {
  session.terminal.heading('Next')
  session.terminal.line(`  ${session.command('chat', path)}     talk to it`)
  session.terminal.line(`  ${session.command('sample', path, '--prompt', '"The sea"')}`)
}
