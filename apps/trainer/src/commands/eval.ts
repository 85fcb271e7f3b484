// `abovo eval`: how well a model predicts a text: its run's held-out part, or any other.
import { join } from 'node:path'
import { z } from 'zod'
import { openDevice } from '../device.js'
import { Failure } from '../failure.js'
import { pathFrom } from '../session.js'
import { options } from '../settings/options.js'
import { evaluateBaseline } from '../stages/baseline.js'
import { findModel } from '../stages/find-model.js'
import { evaluateHeldOut } from '../stages/pretrain.js'
import { evaluationTable } from '../stages/pretrain-report.js'
import { openModel } from '../stages/trained-model.js'
import { RunFolder } from '../storage/run-folder.js'
import { sourceOf } from '../storage/run-source.js'
import { decimals } from '../terminal/figures.js'
import { encodePlain, splitText, type SplitText } from '../text/corpus.js'
import { readSourceText } from '../text/source-text.js'
import { keptSettings } from './train.js'
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

/** The text that a run of `train` was split from; of a story, that of its first stage. */
async function heldOutOf(path: string): Promise<SplitText> {
  const folder = [path, join(path, 'pretrain')].find(candidate => RunFolder.exists(candidate))
  const run = folder === undefined ? null : await RunFolder.open(folder)
  if (run?.record.verb === 'story') return heldOutOf(join(path, 'pretrain'))
  if (run?.record.verb !== 'train') throw new Failure('usage', `${path}: a folder that is no run of 'train' has no text of its own; name one with --text`)
  return splitText(await sourceOf(run.record), keptSettings(run).heldOut)
}
