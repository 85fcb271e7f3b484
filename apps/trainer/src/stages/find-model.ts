// Where the newest model is, given what a user may name: a run, a story (its last stage with a language model), a checkpoint, or a folder in Hugging
// Face's layout.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../failure.js'
import { Checkpoints } from '../storage/checkpoints.js'
import { hasManifest, readWithManifest, Unusable, type Files } from '../storage/manifest.js'
import { RunFolder } from '../storage/run-folder.js'
import { readBytes } from '../text/source-text.js'

export interface FoundModel {
  readonly folder: string
  readonly files: Files
  /** What to tell the user: newer checkpoints that are broken. */
  readonly warnings: readonly string[]
}

/** Stages of a story that end in a language model, last first. */
const stagesWithModel = ['ppo', 'sft', 'pretrain'] as const

export const findModel = (path: string): Promise<FoundModel> => findCheckpoint(path, stagesWithModel)

/** @param stages what to look for in a story's folder, in this order. */
export async function findCheckpoint(path: string, stages: readonly string[]): Promise<FoundModel> {
  if (!existsSync(path)) throw new Failure('input', `${path}: a run or checkpoint must exist, got no such folder; runs are usually in runs/`)
  for (const folder of [path, ...stages.map(stage => join(path, stage))]) {
    if (!RunFolder.exists(folder)) continue
    const { checkpoint, skipped } = await new Checkpoints(join(folder, 'checkpoints')).newest()
    if (checkpoint !== null) return { folder: checkpoint.folder, files: checkpoint.files, warnings: skipped }
  }
  if (existsSync(join(path, 'config.json'))) return { folder: path, files: await readModelFolder(path), warnings: [] }
  throw new Failure('input', `${path}: a run or checkpoint must hold a checkpoint, got none${RunFolder.exists(path) ? " yet; go on with it by 'resume'" : '; name a folder in runs/'}`)
}

/** With a manifest every byte is checked; without, it comes from elsewhere. */
async function readModelFolder(folder: string): Promise<Files> {
  if (!(await hasManifest(folder))) {
    const names = ['config.json', 'model.safetensors', 'tokenizer.json']
    return Object.fromEntries(await Promise.all(names.map(async name => [name, await readBytes(join(folder, name), 'checkpoint')] as const)))
  }
  try {
    return await readWithManifest(folder)
  } catch (error) {
    if (error instanceof Unusable) throw new Failure('input', `${folder}: ${error.message}; use another checkpoint of the run`, { cause: error })
    throw error
  }
}
