// A language model with its tokenizer, from a checkpoint's files and back.
import { Gpt, loadModel, saveModel } from '@abovo/nn-transformer'
import type { Device } from '@abovo/tensor-webgpu'
import { Failure } from '../failure.js'
import type { Files } from '../storage/manifest.js'
import { openTokenizer, type TokenizerFile } from '../text/corpus.js'

export interface TrainedModel extends TokenizerFile {
  readonly model: Gpt
}

/** @param where the folder, for messages. @throws Failure or CheckpointError naming the file. */
export function openModel(files: Files, { device, where }: { device: Device; where: string }): TrainedModel {
  if (!Object.hasOwn(files, 'tokenizer.json')) throw new Failure('input', `${where}: a checkpoint must have tokenizer.json, got ${Object.keys(files).join(', ')}`)
  if (Object.hasOwn(files, 'reward.json')) throw new Failure('input', `${where}: a language model is expected, got a reward model, which says no text; use it with 'ppo --reward'`)
  const tokenizer = openTokenizer(files['tokenizer.json'], `${where}/tokenizer.json`)
  const model = inFolder(where, () => loadModel(files, { device }))
  if (!(model instanceof Gpt)) throw new Failure('input', `${where}/config.json: model_type must be 'gpt2' here, got a recurrent model`)
  if (tokenizer.tokenizer.vocabSize > model.vocabSize) throw new Failure('input', `${where}/tokenizer.json: the tokenizer must fit the model, got ${tokenizer.tokenizer.vocabSize} tokens for a vocabulary of ${model.vocabSize}`)
  return { ...tokenizer, model }
}

export const modelFiles = ({ model, bytes }: TrainedModel): Promise<Record<string, Uint8Array>> => saveModel(model, { tokenizer: bytes })

/** The package names the file; which folder it is in is known only here. */
export function inFolder<T>(where: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Error && error.name === 'CheckpointError') throw new Failure('input', `${where}/${error.message}`, { cause: error })
    throw error
  }
}
