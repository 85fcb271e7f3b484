// Tuning choices in Node: one JSON file an adapter, in `folder` or the user's cache folder.
import type { TuningStore } from './store.js'

export function folderStore(folder: string = cacheFolder()): TuningStore {
  const { mkdir, readFile, rename, writeFile } = process.getBuiltinModule('node:fs/promises')
  const { join } = process.getBuiltinModule('node:path')
  const fileOf = (adapter: string): string => join(folder, `${adapter.replaceAll(/[^\w.-]+/g, '_').slice(0, 120)}.json`)
  return {
    load: async adapter => {
      try {
        return await readFile(fileOf(adapter), 'utf8')
      } catch {
        return null
      }
    },
    save: async (adapter, text) => {
      try {
        await mkdir(folder, { recursive: true })
        // another process may be reading: it must see the old file or the new one
        const draft = `${fileOf(adapter)}.${process.pid}`
        await writeFile(draft, text)
        await rename(draft, fileOf(adapter))
      } catch {
        // a read-only home is no reason to fail
      }
    },
  }
}

function cacheFolder(): string {
  const { join } = process.getBuiltinModule('node:path')
  const { homedir } = process.getBuiltinModule('node:os')
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'abovo', 'tuning')
}
