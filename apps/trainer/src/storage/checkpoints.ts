// The checkpoints of one run: folders `step-000400` of which each is whole or not there. The newest whole one counts; what is wrong with newer ones
// is told.
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, writeFailure } from '../failure.js'
import { makeFolder, TEMPORARY, temporaryName, writeFolderAtomic } from './atomic-write.js'
import { MANIFEST, readWithManifest, Unusable, withManifest, type Files } from './manifest.js'

export interface Checkpoint {
  readonly step: number
  readonly folder: string
  readonly files: Files
}

export interface Newest {
  /** Null if there are no checkpoints at all. */
  readonly checkpoint: Checkpoint | null
  /** One reason for each newer folder that is not whole. */
  readonly skipped: readonly string[]
}

export class Checkpoints {
  readonly folder: string
  /** How many of the newest stay. */
  readonly keep: number

  constructor(folder: string, { keep = 2 }: { keep?: number } = {}) {
    this.folder = folder
    this.keep = keep
  }

  /** @throws Failure `storage` when it cannot be written; earlier checkpoints are untouched then. */
  async save(step: number, files: Files): Promise<string> {
    const path = join(this.folder, `step-${String(step).padStart(6, '0')}`)
    const complete = withManifest(files)
    try {
      await makeFolder(this.folder)
      if (await holds(path, complete)) return path
      const replaced = await this.#moveAway(path)
      await writeFolderAtomic(path, complete).catch(async error => {
        if (replaced !== null) await rename(replaced, path)
        throw error
      })
      await this.#prune()
      return path
    } catch (error) {
      throw writeFailure(path, error)
    }
  }

  /** @throws Failure `input` when there are checkpoints and none is whole. */
  async newest(): Promise<Newest> {
    const skipped: string[] = []
    for (const { step, name } of (await this.#list()).reverse()) {
      const folder = join(this.folder, name)
      try {
        return { checkpoint: { step, folder, files: await readWithManifest(folder) }, skipped }
      } catch (error) {
        if (!(error instanceof Unusable)) throw error
        skipped.push(`${folder}: ${error.message}`)
      }
    }
    if (skipped.length > 0) throw new Failure('input', `${skipped.join('; ')}; no checkpoint here is whole: train again, or restore the folder from a copy`)
    return { checkpoint: null, skipped }
  }

  /** A broken folder of the same step gives way. */
  async #moveAway(path: string): Promise<string | null> {
    const aside = join(this.folder, temporaryName('replaced'))
    return rename(path, aside).then(() => aside, () => null)
  }

  /** Removes what is older than the newest `keep`, and what crashed writers left. Those are dead: a run has one writer at a time. */
  async #prune(): Promise<void> {
    const old = (await this.#list()).slice(0, -this.keep).map(({ name }) => name)
    const unfinished = (await readdir(this.folder)).filter(name => name.startsWith(TEMPORARY))
    for (const name of [...old, ...unfinished]) await rm(join(this.folder, name), { recursive: true, force: true })
  }

  /** Oldest first. */
  async #list(): Promise<{ step: number; name: string }[]> {
    const names = await readdir(this.folder).catch((): string[] => [])
    return names.flatMap(name => {
      const digits = /^step-(\d{6,})$/.exec(name)?.[1]
      return digits === undefined ? [] : [{ step: Number(digits), name }]
    }).sort((a, b) => a.step - b.step)
  }
}

/** Is exactly this saved there already? A run that was resumed from its last step saves it again. */
async function holds(path: string, complete: Files): Promise<boolean> {
  try {
    const present = withManifest(await readWithManifest(path))
    return Buffer.compare(present[MANIFEST], complete[MANIFEST]) === 0
  } catch (error) {
    if (error instanceof Unusable) return false
    throw error
  }
}
