// Keeps the run in the browser's storage, and says plainly when it cannot: another tab has it, there is no storage, or it is full.
import { post } from '../worker/post.ts'
import type { StorageState } from '../protocol.ts'
import { Slots } from './slots.ts'

const LOCK = 'ab-ovo-run'
/** A page that is being reloaded gives its lock back within moments. */
const PATIENCE = 2000

export class Keeper {
  #slots: Slots | null = null
  #state: StorageState = 'missing'

  /** The stored run's files, or null. */
  async open(): Promise<Record<string, Uint8Array> | null> {
    if (!(await hold(LOCK, PATIENCE))) return this.#say('elsewhere', null)
    try {
      this.#slots = await Slots.open()
      const stored = await this.#slots.read()
      return this.#say('ready', stored?.files ?? null)
    } catch (error) {
      return this.#say('missing', null, String(error))
    }
  }

  /** Whether the files are stored now. */
  async save(files: Readonly<Record<string, Uint8Array>>): Promise<boolean> {
    if (this.#slots === null) return false
    try {
      await this.#slots.write(files)
      if (this.#state !== 'ready') this.#say('ready', null)
      return true
    } catch (error) {
      const full = error instanceof DOMException && error.name === 'QuotaExceededError'
      const state = full ? 'full' : 'failed'
      if (this.#state !== state) this.#say(state, null, String(error))
      return false
    }
  }

  async clear(): Promise<void> {
    await this.#slots?.clear()
  }

  #say<T>(state: StorageState, value: T, detail = ''): T {
    this.#state = state
    post({ kind: 'storage', state, detail })
    return value
  }
}

/** Takes a lock for the life of the worker; false if someone else has it. */
function hold(name: string, patience: number): Promise<boolean> {
  if (!('locks' in navigator)) return Promise.resolve(true)
  return new Promise(resolve => {
    const never = new Promise<void>(() => undefined)
    navigator.locks
      .request(name, { signal: AbortSignal.timeout(patience) }, () => {
        resolve(true)
        return never
      })
      .catch(() => resolve(false))
  })
}
