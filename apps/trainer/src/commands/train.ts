// `abovo train`: a vocabulary and a GPT from a text, in a new run.
import { join } from 'node:path'
import { z } from 'zod'
import { describeDevice, requirePrecision } from '../device.js'
import { pathFrom } from '../session.js'
import { options } from '../settings/options.js'
import { checkSettings } from '../settings/read-settings.js'
import { pretrain, type PretrainSettings } from '../stages/pretrain.js'
import { reportPretrained } from '../stages/pretrain-report.js'
import { freeRunPath, type RunFolder, type RunRecord } from '../storage/run-folder.js'
import { openOrCreate, sourceOf } from '../storage/run-source.js'
import { readSourceText, type SourceText } from '../text/source-text.js'
import { conduct, type Perform } from './conduct.js'
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
    await conduct(performTrain, {
      session, settings,
      open: device => {
        requirePrecision(device, settings.precision)
        return openOrCreate(path, trainRecord(pretrainSettings.parse(settings), source, device.kind), { keep: settings.keep, mustBeNew: true })
      },
    })
  },
})

export function trainRecord(settings: PretrainSettings, source: SourceText, device: string): RunRecord {
  return { verb: 'train', settings: { ...settings }, facts: { text: source.path ?? '', sha256: source.sha256, device } }
}

export const performTrain: Perform = async (run, { session, device }) => {
  const settings = keptSettings(run)
  const source = await sourceOf(run.record)
  session.terminal.line(`${source.path ?? 'Moby-Dick'} → ${run.path}, on ${describeDevice(device)}`)
  const trained = await pretrain({ run, settings, source, device, session })
  await reportPretrained(trained, { run, session, seed: settings.seed })
  session.terminal.heading('Next')
  session.terminal.line(`  ${session.command('chat', run.path)}     talk to it`)
  session.terminal.line(`  ${session.command('sample', run.path, '--prompt', '"The sea"')}`)
}

export const keptSettings = ({ path, record }: RunFolder): PretrainSettings => checkSettings(pretrainSettings, record.settings, name => `${path}/run.json: ${name}`)
