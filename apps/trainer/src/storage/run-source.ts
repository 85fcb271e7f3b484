// What a run was made from, found again and compared: a run goes on exactly only if its text, rows and origin are what they were.
import { createHash } from 'node:crypto'
import { Failure } from '../failure.js'
import { readSourceText, type SourceText } from '../text/source-text.js'
import { RunFolder, type RunOptions, type RunRecord } from './run-folder.js'

/** A run with this record: an earlier one, which must have been asked for the same, or a new one. */
export async function openOrCreate(path: string, record: RunRecord, { mustBeNew = false, ...options }: RunOptions & { mustBeNew?: boolean } = {}): Promise<RunFolder> {
  if (mustBeNew || !RunFolder.exists(path)) return RunFolder.create(path, record, options)
  const run = await RunFolder.open(path, options)
  if (JSON.stringify(run.record.settings) !== JSON.stringify(record.settings)) throw new Failure('usage', `${path}: the run was begun with other settings; begin a new one`)
  return run
}

/** The text that a run learned from. @throws Failure `input` when it is gone or has changed. */
export async function sourceOf({ facts }: RunRecord): Promise<SourceText> {
  const { text, sha256 } = facts
  const source = await readSourceText(text === '' || text === undefined ? null : String(text))
  if (source.sha256 !== sha256) throw new Failure('input', `${source.path ?? source.name}: the text must be the one the run began with, got another (SHA-256 ${source.sha256.slice(0, 12)}…); restore it, or begin a new run`)
  return source
}

export const sha256Of = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex')
