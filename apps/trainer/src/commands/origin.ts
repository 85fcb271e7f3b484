// What an alignment run begins from: a language model of an earlier run and a file of rows, both pinned by their hashes.
import { resolve } from 'node:path'
import type { Device } from '@abovo/tensor-webgpu'
import { Failure } from '../failure.js'
import { findModel } from '../stages/find-model.js'
import { endTokenOf } from '../stages/samples.js'
import { openModel, type TrainedModel } from '../stages/trained-model.js'
import type { RunRecord } from '../storage/run-folder.js'
import { sha256Of } from '../storage/run-source.js'
import { readBytes } from '../text/source-text.js'

export interface Origin extends TrainedModel {
  readonly endToken: number
  readonly facts: RunRecord['facts']
}

/** @throws Failure `input` for a model that has no token to end an answer with. */
export async function openOrigin(path: string, device: Device): Promise<Origin> {
  const { files, folder } = await findModel(path)
  const trained = openModel(files, { device, where: folder })
  const endToken = endTokenOf(trained.tokenizer)
  if (endToken === null) throw new Failure('input', `${folder}/tokenizer.json: the vocabulary must have <|endoftext|> to end answers with, got none; use a model that 'train' made`)
  return { ...trained, endToken, facts: { origin: resolve(path), originSha256: sha256Of(files['model.safetensors']), device: device.kind } }
}

export interface Rows<T> {
  readonly rows: readonly T[]
  readonly facts: RunRecord['facts']
}

/** @param parse throws DataError with the line. */
export async function readRows<T>(path: string, parse: (text: string) => readonly T[]): Promise<Rows<T>> {
  const bytes = await readBytes(path, 'rows')
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return { rows: parse(text), facts: { data: path, dataSha256: sha256Of(bytes) } }
  } catch (error) {
    const line = error instanceof TypeError ? 'rows must be UTF-8' : error instanceof Error ? error.message : String(error)
    throw new Failure('input', `${path}: ${line}`, { cause: error })
  }
}

/** @throws Failure `input` when what a resumed run began from has changed. */
export function checkFacts({ facts }: RunRecord, found: RunRecord['facts']): void {
  for (const [name, of] of [['originSha256', 'origin'], ['dataSha256', 'data']] as const)
    if (facts[name] !== undefined && facts[name] !== found[name]) throw new Failure('input', `${String(facts[of])}: a run must go on with what it began from, got something else; restore it, or begin a new run`)
}
