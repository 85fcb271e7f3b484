// `abovo sample`: texts from a model. Only the texts go to standard output.
import { z } from 'zod'
import { openDevice } from '../device.js'
import { pathFrom } from '../session.js'
import { options } from '../settings/options.js'
import { findModel } from '../stages/find-model.js'
import { continuations } from '../stages/samples.js'
import { openModel } from '../stages/trained-model.js'
import { printable } from '../terminal/printable.js'
import { verb } from './verb.js'

export const sample = verb({
  name: 'sample',
  summary: 'print texts from a model',
  operand: { name: 'RUN', description: 'a run, a checkpoint, or a folder in Hugging Face’s layout' },
  settings: z.object({
    prompt: options.prompt, tokens: options.tokens, samples: options.samples, temperature: options.temperature, topK: options.topK, topP: options.topP,
    seed: options.seed, device: options.device, threads: options.threads,
  }),
  run: async (settings, { session, operand }) => {
    const found = await findModel(pathFrom(session, operand))
    for (const warning of found.warnings) process.stderr.write(`not used: ${warning}\n`)
    const device = await openDevice(settings)
    try {
      const trained = openModel(found.files, { device, where: found.folder })
      const { prompt = '', samples } = settings
      const texts = await continuations(trained, Array.from({ length: samples }, () => prompt), settings)
      for (const text of texts) session.terminal.line(printable(`${prompt}${text}`))
    } finally {
      device.close()
    }
  },
})
