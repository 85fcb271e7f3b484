// The run in the browser's own file system (OPFS): two slots written in turn, each a ZIP archive with checksums, so that a write cut short never costs
// more than itself. Only in workers: they alone may write synchronously.
import { crc32 } from '../archive/crc32.ts'
import { readZip } from '../archive/read-zip.ts'
import { writeZip } from '../archive/write-zip.ts'

type Files = Readonly<Record<string, Uint8Array>>

const FOLDER = 'ab-ovo'
const SLOTS = ['run-0.zip', 'run-1.zip'] as const
const COUNT_FILE = 'slot.json'

export interface StoredRun {
  readonly files: Record<string, Uint8Array>
}

export class Slots {
  readonly #folder: FileSystemDirectoryHandle
  /** How many writes there have been; the slot with the larger count is newer. */
  #count = 0
  #texts = new Map<string, string>()

  private constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder
  }

  /** @throws where the browser has no such storage or refuses it. */
  static async open(): Promise<Slots> {
    const root = await navigator.storage.getDirectory()
    return new Slots(await root.getDirectoryHandle(FOLDER, { create: true }))
  }

  /** The newest whole run, or null. Damaged slots are passed over. */
  async read(): Promise<StoredRun | null> {
    const found: { count: number; files: Record<string, Uint8Array> }[] = []
    for (const slot of SLOTS) {
      const bytes = await this.#readFile(slot)
      if (bytes === null || bytes.length === 0) continue
      try {
        const files = await readZip(bytes)
        found.push({ count: countIn(files), files })
      } catch {
        continue
      }
    }
    found.sort((a, b) => b.count - a.count)
    this.#count = found[0]?.count ?? 0
    for (const { files } of found) {
      const text = await this.#textOf(files)
      if (text !== null) return { files: { ...files, 'text.txt': text } }
    }
    return null
  }

  /** @throws QuotaExceededError (a DOMException) when the storage is full: the run stored before stays as it is. */
  async write(files: Files): Promise<void> {
    const { 'text.txt': text, ...rest } = files
    // the text does not change during a run: it is a file of its own, written once
    const textName = text === undefined ? '' : await this.#writeText(text)
    const count = this.#count + 1
    const facts = new TextEncoder().encode(JSON.stringify({ count, text: textName }))
    await this.#writeFile(SLOTS[count % 2], writeZip({ ...rest, [COUNT_FILE]: facts }))
    this.#count = count
  }

  async clear(): Promise<void> {
    for (const name of [...SLOTS, ...(await this.#textNames())]) await this.#folder.removeEntry(name).catch(() => undefined)
    this.#texts.clear()
  }

  async #writeText(text: Uint8Array): Promise<string> {
    const name = `text-${crc32(text).toString(16)}-${text.length}.txt`
    if (this.#texts.has(name)) return name
    await this.#writeFile(name, text)
    // a run's text goes when two writes of another run have replaced it
    const known = [...this.#texts.keys()]
    for (const old of await this.#textNames()) if (old !== name && old !== known.at(-1)) await this.#folder.removeEntry(old).catch(() => undefined)
    this.#texts.set(name, name)
    return name
  }

  async #textNames(): Promise<string[]> {
    const names: string[] = []
    for await (const name of this.#folder.keys()) if (name.startsWith('text-')) names.push(name)
    return names
  }

  async #textOf(files: Files): Promise<Uint8Array | null> {
    const name = textNameIn(files)
    if (name === '') return new Uint8Array(0)
    const text = await this.#readFile(name)
    if (text === null || `text-${crc32(text).toString(16)}-${text.length}.txt` !== name) return null
    this.#texts.set(name, name)
    return text
  }

  async #readFile(name: string): Promise<Uint8Array | null> {
    try {
      const handle = await this.#folder.getFileHandle(name)
      return new Uint8Array(await (await handle.getFile()).arrayBuffer())
    } catch {
      return null
    }
  }

  async #writeFile(name: string, bytes: Uint8Array): Promise<void> {
    const handle = await this.#folder.getFileHandle(name, { create: true })
    const access = await handle.createSyncAccessHandle()
    try {
      access.truncate(bytes.length)
      const written = access.write(bytes, { at: 0 })
      // browsers may write less instead of throwing
      if (written < bytes.length) throw new DOMException(`storage: ${bytes.length} bytes must fit, got room for ${written}`, 'QuotaExceededError')
      access.flush()
    } finally {
      access.close()
    }
  }
}

function factsIn(files: Files): { count: unknown; text: unknown } {
  const facts: unknown = JSON.parse(new TextDecoder().decode(files[COUNT_FILE]))
  if (typeof facts !== 'object' || facts === null) return { count: 0, text: '' }
  return { count: 'count' in facts ? facts.count : 0, text: 'text' in facts ? facts.text : '' }
}

function countIn(files: Files): number {
  const { count } = factsIn(files)
  return typeof count === 'number' ? count : 0
}

function textNameIn(files: Files): string {
  const { text } = factsIn(files)
  return typeof text === 'string' && /^text-[0-9a-f]+-\d+\.txt$/.test(text) ? text : ''
}
