// The store of the host at hand: a cache folder in Node, IndexedDB in browsers.
import type { TuningStore } from './store.js'

/** The host's own store, or null where it has none. */
export async function hostTuningStore(): Promise<TuningStore | null> {
  if (typeof process !== 'undefined' && process.versions?.node !== undefined && typeof process.getBuiltinModule === 'function') return (await import('./folder-store.js')).folderStore()
  if (typeof indexedDB !== 'undefined') return (await import('./database-store.js')).databaseStore()
  return null
}
