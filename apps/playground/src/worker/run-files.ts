// A run as files and back: a Hugging Face folder (config.json, model.safetensors, tokenizer.json), what is needed to resume it exactly
// (optimizer.safetensors, training.json), its story (run.json) and its text. The same files are stored, downloaded and opened.
import { loadModel, loadTraining, saveModel, saveTraining, Gpt } from '@abovo/nn-transformer'
import type { Device } from '@abovo/tensor-webgpu'
import type { RunSettings } from '../protocol.ts'
import { readStory, writeStory } from '../run/story.ts'
import { Run } from './run.ts'
import { idsOf, tokenizerFromBytes, tokenizerToBytes } from './tokens.ts'

type Files = Readonly<Record<string, Uint8Array>>

export const TEXT_FILE = 'text.txt'
const STORY_FILE = 'run.json'

export class NotARun extends Error {
  override name = 'NotARun'
}

export async function runToFiles(run: Run): Promise<Record<string, Uint8Array>> {
  const { model, tokenizer, text } = run.parts
  const state = await run.state()
  return {
    ...(await saveModel(model, { tokenizer: tokenizerToBytes(tokenizer) })),
    ...(state === null ? {} : saveTraining(state)),
    [STORY_FILE]: writeStory(run.report()),
    ...(text === '' ? {} : { [TEXT_FILE]: new TextEncoder().encode(text) }),
  }
}

/** @throws NotARun, or the packages' own errors for damaged files. */
export function runFromFiles(files: Files, device: Device, name: string): Run {
  for (const needed of ['config.json', 'model.safetensors', 'tokenizer.json']) {
    if (!Object.hasOwn(files, needed)) throw new NotARun(`checkpoint: ${needed} must be in it, got ${Object.keys(files).join(', ') || 'nothing'}`)
  }
  const tokenizer = tokenizerFromBytes(files['tokenizer.json'])
  const model = loadModel(files, { device })
  if (!(model instanceof Gpt)) throw new NotARun('checkpoint: the model must be a GPT, got a recurrent one')
  if (tokenizer.vocabSize > model.vocabSize) throw new NotARun(`checkpoint: the tokenizer must not have more tokens than the model, got ${tokenizer.vocabSize} and ${model.vocabSize}`)
  const story = Object.hasOwn(files, STORY_FILE) ? readStory(files[STORY_FILE]) : null
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(files[TEXT_FILE] ?? new Uint8Array(0))
  const complete = story !== null && text !== '' && Object.hasOwn(files, 'training.json')
  return new Run({
    model, tokenizer,
    settings: story?.settings ?? settingsOf(model),
    ids: complete ? idsOf(tokenizer, text) : new Uint32Array(0),
    text, textName: story?.text ?? name,
    ...(complete ? { state: loadTraining(files) } : {}),
    ...(story === null ? {} : { points: story.points, validation: story.validation, samples: story.samples, bitsPerByte: story.bitsPerByte }),
  })
}

/** For a model that was not trained here: only its shape is known. */
function settingsOf({ config: { vocabSize, nLayer, nHead, nEmbd, nPositions } }: Gpt): RunSettings {
  return { vocabSize, nLayer, nHead, nEmbd, nPositions, batchSize: 8, steps: 1000, lr: 1e-3, seed: 1 }
}
