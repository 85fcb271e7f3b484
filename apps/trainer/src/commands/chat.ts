// `abovo chat`: type the beginning of a text, and the model goes on, word by word. With --prompt it answers once and ends.
import { createInterface } from 'node:readline/promises'
import { z } from 'zod'
import { openDevice } from '../device.js'
import { pathFrom, type Session } from '../session.js'
import { options } from '../settings/options.js'
import { findModel } from '../stages/find-model.js'
import { promptIds, streamText, type SamplingSettings } from '../stages/samples.js'
import { openModel, type TrainedModel } from '../stages/trained-model.js'
import { printable } from '../terminal/printable.js'
import { verb } from './verb.js'

export const chat = verb({
  name: 'chat',
  summary: 'talk with a model: it continues what you type',
  operand: { name: 'RUN', description: 'a run, a checkpoint, or a folder in Hugging Face’s layout' },
  settings: z.object({
    prompt: options.prompt, tokens: options.tokens, temperature: options.temperature, topK: options.topK, topP: options.topP,
    seed: options.seed, device: options.device, threads: options.threads,
  }),
  run: async (settings, { session, operand }) => {
    const found = await findModel(pathFrom(session, operand))
    for (const warning of found.warnings) process.stderr.write(`not used: ${warning}\n`)
    const device = await openDevice(settings)
    try {
      const trained = openModel(found.files, { device, where: found.folder })
      if (settings.prompt === undefined) await converse(trained, settings, session)
      else await answer(trained, settings.prompt, settings, session)
    } finally {
      device.close()
    }
  },
})

async function answer(trained: TrainedModel, prompt: string, settings: SamplingSettings, { terminal, interruption }: Session): Promise<void> {
  terminal.write(terminal.style('bold', prompt))
  for await (const piece of streamText(trained, promptIds(trained.tokenizer, prompt), settings, interruption.signal)) terminal.write(printable(piece))
  terminal.write('\n')
}

/** Each turn has a seed of its own, so that the same words are not answered the same twice. */
async function converse(trained: TrainedModel, settings: SamplingSettings, session: Session): Promise<void> {
  const { terminal } = session
  terminal.line(terminal.style('dim', 'Type the beginning of a text; Ctrl-D ends.'))
  const input = createInterface({ input: process.stdin, output: process.stdout, prompt: process.stdin.isTTY ? terminal.style('cyan', '› ') : '' })
  // Ctrl-C at the prompt ends the talk: there is nothing to save
  input.on('SIGINT', () => input.close())
  let turn = 0
  input.prompt()
  for await (const line of input) {
    if (line.trim() !== '') await answer(trained, line, { ...settings, seed: settings.seed + turn++ }, session)
    input.prompt()
  }
  terminal.line()
}
