// A saved model as files by name, in Hugging Face's layout: config.json, model.safetensors, tokenizer.json. Bytes only: writing them to disk, to a
// browser's storage or into a download belongs to whoever calls, and so does doing it atomically.
import type { Device } from '@abovo/tensor-webgpu'
import { CheckpointError } from '../errors.js'
import { Gpt } from '../models/gpt.js'
import { RecurrentLanguageModel } from '../models/rnn.js'
import type { LanguageModel } from '../models/language-model.js'
import { gptConfigFromJson, gptConfigToJson, gptStateFromFile } from './gpt-checkpoint.js'
import { recurrentConfigFromJson, recurrentConfigToJson } from './recurrent-checkpoint.js'
import { isJsonObject, parseJson, type JsonObject } from './safe-json.js'
import { readSafetensors, writeSafetensors } from './safetensors.js'

/** Files by name. */
export type Folder = Readonly<Record<string, Uint8Array>>

export const CONFIG_FILE = 'config.json'
export const WEIGHTS_FILE = 'model.safetensors'
export const TOKENIZER_FILE = 'tokenizer.json'

/** No config.json is larger; one that is was not written by a person or a trainer. */
const MAX_CONFIG = 10_000_000

/**
 * @param tokenizer the bytes of tokenizer.json, kept as they are.
 * @example
 * const files = await saveModel(model, { tokenizer: new TextEncoder().encode(tokenizerJson) })
 * const same = loadModel(files)
 */
export async function saveModel(model: Gpt | RecurrentLanguageModel, { tokenizer, metadata = {} }: { tokenizer?: Uint8Array; metadata?: Readonly<Record<string, string>> } = {}): Promise<Record<string, Uint8Array>> {
  const config = model instanceof Gpt ? gptConfigToJson(model.config) : recurrentConfigToJson(model.config)
  return {
    [CONFIG_FILE]: new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`),
    [WEIGHTS_FILE]: writeSafetensors(await model.stateDict(), { metadata: { format: 'pt', ...metadata } }),
    ...(tokenizer === undefined ? {} : { [TOKENIZER_FILE]: tokenizer }),
  }
}

/**
 * Makes the model that the files describe, with its parameters on a device.
 *
 * @throws CheckpointError when a file is missing or damaged, or the parameters are not those of the configuration.
 */
export function loadModel(files: Folder, { device }: { device?: Device } = {}): LanguageModel & (Gpt | RecurrentLanguageModel) {
  const config = readConfig(files)
  const tensors = readSafetensors(requireFile(files, WEIGHTS_FILE), { where: WEIGHTS_FILE })
  const options = { seed: null, ...(device === undefined ? {} : { device }) }
  if (config.get('model_type') === 'abovo-recurrent') return new RecurrentLanguageModel(recurrentConfigFromJson(config), options).loadStateDict(tensors)
  const model = new Gpt(gptConfigFromJson(config), options)
  return model.loadStateDict(gptStateFromFile(tensors, model.config))
}

/** config.json as an object. */
export function readConfig(files: Folder): JsonObject {
  const bytes = requireFile(files, CONFIG_FILE)
  if (bytes.length > MAX_CONFIG) throw new CheckpointError('config', `${CONFIG_FILE}: at most ${MAX_CONFIG} bytes are read, got ${bytes.length}`)
  const config = parseJson(CONFIG_FILE, new TextDecoder('utf-8').decode(bytes))
  if (!isJsonObject(config)) throw new CheckpointError('config', `${CONFIG_FILE}: an object is expected`)
  return config
}

export function requireFile(files: Folder, name: string): Uint8Array {
  const file = Object.hasOwn(files, name) ? files[name] : undefined
  if (file === undefined) throw new CheckpointError('missing-file', `checkpoint: ${name} must be there, got ${Object.keys(files).join(', ') || 'nothing'}`)
  return file
}
