// `abovo eval`: how well a model predicts a text: its run's held-out part, or any other.
import { z } from 'zod'
import { openDevice } from '../device.js'
import { Failure } from '../failure.js'
import { pathFrom } from '../session.js'
import { options } from '../settings/options.js'
import { checkSettings } from '../settings/read-settings.js'
import { evaluateBaseline } from '../stages/baseline.js'
import { findModel } from '../stages/find-model.js'
import { checkSameText, evaluateHeldOut } from '../stages/pretrain.js'
import { evaluationTable } from '../stages/pretrain-report.js'
import { openModel } from '../stages/trained-model.js'
import { RunFolder } from '../storage/run-folder.js'
import { decimals } from '../terminal/figures.js'
import { encodePlain, splitText } from '../text/corpus.js'
import { readSourceText } from '../text/source-text.js'
import { pretrainSettings } from './pretrain-settings.js'
import { verb } from './verb.js'

export const evaluateVerb = verb({
  name: 'eval',
  summary: 'say how well a model predicts held-out text, in nats per character and bits per byte',
  operand: { name: 'RUN', description: 'a run, a checkpoint, or a folder in Hugging Face’s layout' },
  settings: z.object({ text: options.text, device: options.device, threads: options.threads }),
  run: async (settings, { session, operand }) => {
    const path = pathFrom(session, operand)
    const found = await findModel(path)
    for (const warning of found.warnings) process.stderr.write(`not used: ${warning}\n`)
    const ownText = settings.text === undefined ? await heldOutOf(path) : null
    const heldOut = ownText?.heldOut ?? (await readSourceText(pathFrom(session, settings.text ?? ''))).text
    const device = await openDevice(settings)
    try {
      const trained = openModel(found.files, { device, where: found.folder })
      const tokens = encodePlain(trained.tokenizer, heldOut)
      if (tokens.length < 2) throw new Failure('input', `${settings.text ?? path}: the text must have two tokens, got ${tokens.length}; give a longer one`)
      const evaluation = await evaluateHeldOut(trained, tokens)
      if (ownText !== null) for (const line of evaluationTable(evaluation, evaluateBaseline(ownText))) session.terminal.line(line)
      else session.terminal.line(`${decimals(evaluation.natsPerCharacter)} nats per character, ${decimals(evaluation.bitsPerByte)} bits per byte, perplexity ${decimals(evaluation.perplexity, 2)} on ${evaluation.tokens} tokens`)
    } finally {
      device.close()
    }
  },
})

/** The text that a run of `train` was split from. */
async function heldOutOf(path: string): Promise<{ train: string; heldOut: string }> {
  if (!RunFolder.exists(path)) throw new Failure('usage', `${path}: a folder without run.json has no text of its own; name one with --text`)
  const { record } = await RunFolder.open(path)
  if (record.verb !== 'train') throw new Failure('usage', `${path}: a run of '${record.verb}' has no text of its own; name one with --text`)
  const { heldOut } = checkSettings(pretrainSettings, record.settings, name => `${path}/run.json: ${name}`)
  const { text } = record.facts
  const source = await readSourceText(text === '' || text === undefined ? null : String(text))
  checkSameText(source, record.facts['sha256'])
  return splitText(source, heldOut)
}
