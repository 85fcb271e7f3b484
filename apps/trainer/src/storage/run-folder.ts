// One run on disk: run.json (what was asked for), metrics.jsonl, checkpoints/ and, while it is written, lock. Everything needed to go on is here;
// the text itself is not: it is named with its hash.
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { codeOf, Failure, writeFailure } from '../failure.js'
import { makeFolder, writeFileAtomic } from './atomic-write.js'
import { Checkpoints } from './checkpoints.js'
import { MetricsLog } from './metrics-log.js'
import { RunLock } from './run-lock.js'

const RUN_FILE = 'run.json'
const METRICS_FILE = 'metrics.jsonl'

const recordSchema = z.object({ version: z.literal(1), verb: z.string(), settings: z.record(z.string(), z.unknown()), facts: z.record(z.string(), z.union([z.string(), z.number()])) })

/** The settings are the verb's own affair: it validates them again. Facts are what must still hold when the run goes on, such as the text's hash. */
export type RunRecord = Omit<z.infer<typeof recordSchema>, 'version'>

export interface RunOptions {
  /** How many checkpoints stay. */
  keep?: number
  home?: string
  /** Made by this process. */
  isNew?: boolean
}

export class RunFolder {
  readonly path: string
  readonly record: RunRecord
  readonly checkpoints: Checkpoints
  readonly metrics: MetricsLog
  /** What a user resumes: this run, or the story that it is a stage of. */
  readonly home: string
  readonly #isNew: boolean

  constructor(path: string, record: RunRecord, { keep, home = path, isNew = false }: RunOptions = {}) {
    this.path = path
    this.home = home
    this.#isNew = isNew
    this.record = record
    this.checkpoints = new Checkpoints(join(path, 'checkpoints'), keep === undefined ? {} : { keep })
    this.metrics = new MetricsLog(join(path, METRICS_FILE))
  }

  /** A new run. @throws Failure `usage` if there is one at this path already. */
  static async create(path: string, record: RunRecord, options: RunOptions = {}): Promise<RunFolder> {
    let present: string[]
    try {
      await makeFolder(path)
      present = await readdir(path)
    } catch (error) {
      throw writeFailure(path, codeOf(error) === 'EEXIST' ? new Failure('usage', `${path}: a new run must have a new folder, got a file; choose another --out`) : error)
    }
    if (present.length > 0) throw new Failure('usage', `${path}: a new run must have a new or empty folder, got one with files; go on with it by 'resume', or choose another --out`)
    await writeRecord(path, record)
    return new RunFolder(path, record, { ...options, isNew: true })
  }

  /** @throws Failure `input` when there is no run, or its record cannot be read. */
  static async open(path: string, options: RunOptions = {}): Promise<RunFolder> {
    return new RunFolder(path, await readRecord(path), options)
  }

  /** The same run, asked for something else from now on. */
  async withSettings(settings: RunRecord['settings']): Promise<RunFolder> {
    const record = { ...this.record, settings: { ...this.record.settings, ...settings } }
    await writeRecord(this.path, record)
    return new RunFolder(this.path, record, { home: this.home, keep: this.checkpoints.keep })
  }

  static exists(path: string): boolean {
    return existsSync(join(path, RUN_FILE))
  }

  /** Takes a new run back that never took a step, so that the same command can be given again. */
  async withdraw(): Promise<void> {
    if (!this.#isNew) return
    const files = await readdir(this.path, { recursive: true })
    if (!files.some(file => basename(file) === METRICS_FILE)) await rm(this.path, { recursive: true, force: true })
  }

  lock(): RunLock {
    return new RunLock(this.path)
  }
}

const writeRecord = (path: string, record: RunRecord): Promise<void> => writeFileAtomic(join(path, RUN_FILE), `${JSON.stringify({ version: 1, ...record }, null, 2)}\n`)

async function readRecord(path: string): Promise<RunRecord> {
  const file = join(path, RUN_FILE)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new Failure('input', `${path}: a run's folder must hold ${RUN_FILE}, got ${codeOf(error) === 'ENOENT' ? 'none' : codeOf(error)}; runs are made by 'train' and 'story', usually in runs/`, { cause: error })
  }
  try {
    const { version: _, ...record } = recordSchema.parse(JSON.parse(text))
    return record
  } catch (error) {
    throw new Failure('input', `${file}: a run's record of version 1 is expected, got something else; was it edited, or written by a later abovo?`, { cause: error })
  }
}

/** `runs/NAME-001`, or the first number that is free. */
export async function freeRunPath(folder: string, name: string): Promise<string> {
  const taken = await readdir(folder).catch((): string[] => [])
  const numbers = taken.flatMap(entry => (entry.startsWith(`${name}-`) ? [Number(entry.slice(name.length + 1))] : [])).filter(Number.isSafeInteger)
  return join(folder, `${name}-${String(Math.max(0, ...numbers) + 1).padStart(3, '0')}`)
}
