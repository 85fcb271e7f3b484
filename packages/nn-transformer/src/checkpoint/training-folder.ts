// The state of a run as two more files beside the model's: optimizer.safetensors and training.json. With the model's files they resume it exactly.
import { CheckpointError } from '../errors.js'
import type { TrainingState } from '../train/train.js'
import { requireFile, type Folder } from './model-folder.js'
import { isJsonObject, parseJson } from './safe-json.js'
import { readSafetensors, writeSafetensors } from './safetensors.js'

export const OPTIMIZER_FILE = 'optimizer.safetensors'
export const TRAINING_FILE = 'training.json'

/**
 * @param extra whatever the caller wants to find again, such as its options.
 * @example
 * await train(model, data, { ...options, onCheckpoint: async state => write({ ...(await saveModel(model)), ...saveTraining(state) }) })
 */
export function saveTraining({ step, counter, optimizer }: TrainingState, extra: Readonly<Record<string, unknown>> = {}): Record<string, Uint8Array> {
  return {
    [OPTIMIZER_FILE]: writeSafetensors(optimizer, { metadata: {} }),
    [TRAINING_FILE]: new TextEncoder().encode(`${JSON.stringify({ ...extra, version: 1, step, counter }, null, 2)}\n`),
  }
}

/** @throws CheckpointError when a file is missing, damaged, or from a later version. */
export function loadTraining(files: Folder): TrainingState {
  const json = parseJson(TRAINING_FILE, new TextDecoder('utf-8').decode(requireFile(files, TRAINING_FILE)))
  const [version, step, counter] = ['version', 'step', 'counter'].map(name => (isJsonObject(json) ? json.get(name) : null))
  if (version !== 1) throw new CheckpointError('version', `${TRAINING_FILE}: version must be 1, got ${JSON.stringify(version)}; was it written by a later abovo?`)
  if (typeof step !== 'number' || typeof counter !== 'number') throw new CheckpointError('config', `${TRAINING_FILE}: step and counter must be numbers, got ${JSON.stringify(step)} and ${JSON.stringify(counter)}`)
  return { step, counter, optimizer: readSafetensors(requireFile(files, OPTIMIZER_FILE), { where: OPTIMIZER_FILE }) }
}
