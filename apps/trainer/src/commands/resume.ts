// `abovo resume`: a run goes on from its newest checkpoint, exactly as if it had not been interrupted.
import { z } from 'zod'
import { describeDevice, openDevice } from '../device.js'
import { Failure } from '../failure.js'
import { pathFrom } from '../session.js'
import { options } from '../settings/options.js'
import { checkSettings } from '../settings/read-settings.js'
import { checkSameText, pretrain } from '../stages/pretrain.js'
import { reportPretrained } from '../stages/pretrain-report.js'
import { RunFolder } from '../storage/run-folder.js'
import { readSourceText } from '../text/source-text.js'
import { pretrainSettings } from './pretrain-settings.js'
import { verb } from './verb.js'

export const resume = verb({
  name: 'resume',
  summary: 'go on with a run from its newest checkpoint',
  operand: { name: 'RUN', description: 'a folder that train or story made' },
  settings: z.object({ device: options.device, threads: options.threads, keep: options.keep }),
  run: async (settings, { session, operand }) => {
    const path = pathFrom(session, operand)
    const run = await RunFolder.open(path, { keep: settings.keep })
    if (run.record.verb !== 'train') throw new Failure('input', `${path}: a run of 'train' is expected, got one of '${run.record.verb}'`)
    const kept = checkSettings(pretrainSettings, run.record.settings, name => `${path}/run.json: ${name}`)
    const { facts } = run.record
    const source = await readSourceText(facts['text'] === '' || facts['text'] === undefined ? null : String(facts['text']))
    checkSameText(source, facts['sha256'])
    const lock = run.lock()
    const device = await openDevice(settings)
    try {
      session.terminal.line(`${run.path}, on ${describeDevice(device)}`)
      if (device.kind !== facts['device']) session.terminal.line(`  the run began on ${facts['device']}: its numbers will differ from there on in the last digits`)
      const trained = await pretrain({ run, settings: kept, source, device, session })
      await reportPretrained(trained, { run, session, seed: kept.seed })
    } finally {
      lock.release()
      device.close()
    }
  },
})
