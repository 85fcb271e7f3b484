// A saved model as files by name, in Hugging Face's layout: config.json, model.safetensors, tokenizer.json. Bytes only: writing them to disk, to a
// browser's storage or into a download belongs to whoever calls, and so does doing it atomically.
import type { Device } from '@abovo/tensor-webgpu'
import { CheckpointError } from '../errors.js'
import { Bert } from '../models/bert.js'
import { Gpt } from '../models/gpt.js'
import { RecurrentLanguageModel } from '../models/rnn.js'
import { Transformer } from '../models/transformer.js'
import { bertConfigFromJson, bertConfigToJson, bertStateFromFile } from './bert-checkpoint.js'
import { gptConfigFromJson, gptConfigToJson, gptStateFromFile } from './gpt-checkpoint.js'
import { recurrentConfigFromJson, recurrentConfigToJson, transformerConfigFromJson, transformerConfigToJson } from './own-config.js'
import { isJsonObject, parseJson, type Json, type JsonObject } from './safe-json.js'
import { readSafetensors, writeSafetensors } from './safetensors.js'

/** Files by name. */
export type Folder = Readonly<Record<string, Uint8Array>>

/** The models that can be saved. */
export type SavedModel = Gpt | Bert | Transformer | RecurrentLanguageModel

export const CONFIG_FILE = 'config.json'
export const WEIGHTS_FILE = 'model.safetensors'
export const TOKENIZER_FILE = 'tokenizer.json'

/** No config.json is larger; one that is was not written by a person or a trainer. */
const MAX_CONFIG = 10_000_000

/**
 * @param options.tokenizer the bytes of tokenizer.json, kept as they are
 * @example
 * const files = await saveModel(model, { tokenizer: new TextEncoder().encode(tokenizerJson) })
 * const same = loadModel(files)
 */
export async function saveModel(model: SavedModel, { tokenizer, metadata = {} }: { tokenizer?: Uint8Array; metadata?: Readonly<Record<string, string>> } = {}): Promise<Record<string, Uint8Array>> {
  return {
    [CONFIG_FILE]: new TextEncoder().encode(`${JSON.stringify(configOf(model), null, 2)}\n`),
    [WEIGHTS_FILE]: writeSafetensors(await model.stateDict(), { metadata: { format: 'pt', ...metadata } }),
    ...(tokenizer === undefined ? {} : { [TOKENIZER_FILE]: tokenizer }),
  }
}

function configOf(model: SavedModel): Record<string, Json> {
  if (model instanceof Gpt) return gptConfigToJson(model.config)
  if (model instanceof Bert) return bertConfigToJson(model.config)
  return model instanceof Transformer ? transformerConfigToJson(model.config) : recurrentConfigToJson(model.config)
}

/**
 * Makes the model that the files describe, with its parameters on a device.
 *
 * @throws CheckpointError when a file is missing or damaged, or the parameters are not those of the configuration.
 */
export function loadModel(files: Folder, { device }: { device?: Device } = {}): SavedModel {
  const config = readConfig(files)
  const tensors = readSafetensors(requireFile(files, WEIGHTS_FILE), { where: WEIGHTS_FILE })
  requireFewLayers(config, tensors.size)
  const options = { seed: null, ...(device === undefined ? {} : { device }) }
  const type = config.get('model_type')
  switch (type) {
    case 'gpt2': {
      const model = new Gpt(gptConfigFromJson(config), options)
      return model.loadStateDict(gptStateFromFile(tensors, model.config))
    }
    case 'bert':
      return new Bert(bertConfigFromJson(config), options).loadStateDict(bertStateFromFile(tensors))
    case 'abovo-transformer':
      return new Transformer(transformerConfigFromJson(config), options).loadStateDict(tensors)
    case 'abovo-recurrent':
      return new RecurrentLanguageModel(recurrentConfigFromJson(config), options).loadStateDict(tensors)
    default:
      throw new CheckpointError('config', `${CONFIG_FILE}: model_type must be gpt2, bert, abovo-transformer or abovo-recurrent, got ${JSON.stringify(type)}`)
  }
}

/** Layers are made one by one, before their names are compared: a billion of them would be the end of the process. */
function requireFewLayers(config: JsonObject, tensors: number): void {
  for (const [name, value] of config)
    if (/layer/.test(name) && Number(value) > tensors) throw new CheckpointError('config', `${CONFIG_FILE}: ${name} must not exceed the number of tensors in ${WEIGHTS_FILE}, got ${value} and ${tensors}`)
}

/** The same for a caller that can only use a GPT. */
export function loadGpt(files: Folder, options: { device?: Device } = {}): Gpt {
  const model = loadModel(files, options)
  if (model instanceof Gpt) return model
  model.dispose()
  throw new CheckpointError('config', `${CONFIG_FILE}: model_type must be gpt2, got another kind of model`)
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
