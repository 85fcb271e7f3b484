// One writer a run: the file `lock` holds the writer's process id. A lock whose process is gone is taken over.
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, Failure, writeFailure } from '../failure.js'

export class RunLock {
  readonly #path: string

  /** @throws Failure `usage` while another process holds it. */
  constructor(folder: string) {
    this.#path = join(folder, 'lock')
    if (!this.#create()) {
      const holder = readHolder(this.#path)
      if (holder !== null && isAlive(holder)) throw new Failure('usage', `${folder}: a run must have one writer, got a lock of process ${holder}, which is running; wait for it, or stop it`)
      rmSync(this.#path, { force: true })
      if (!this.#create()) throw new Failure('usage', `${folder}: a run must have one writer, got another at the same moment; try again`)
    }
    process.once('exit', this.#release)
  }

  release(): void {
    process.off('exit', this.#release)
    this.#release()
  }

  readonly #release = (): void => rmSync(this.#path, { force: true })

  #create(): boolean {
    try {
      const file = openSync(this.#path, 'wx')
      writeSync(file, `${process.pid}\n`)
      closeSync(file)
      return true
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      throw writeFailure(this.#path, error)
    }
  }
}

function readHolder(path: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10)
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
