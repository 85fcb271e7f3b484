// Tuning choices in browsers: one IndexedDB record an adapter. Whatever the browser refuses or has damaged is as if nothing were kept.
import type { TuningStore } from './store.js'

const TABLE = 'choices'

export function databaseStore(name = 'abovo-tuning'): TuningStore {
  return {
    load: async adapter => {
      const record: unknown = await transact(name, 'readonly', table => table.get(adapter))
      return typeof record === 'string' ? record : null
    },
    save: async (adapter, text) => void (await transact(name, 'readwrite', table => table.put(text, adapter))),
  }
}

/** What the request gives once its transaction is complete, or null where the database refuses. */
function transact<T>(name: string, mode: IDBTransactionMode, begin: (table: IDBObjectStore) => IDBRequest<T>): Promise<T | null> {
  return new Promise(resolve => {
    // a frame without an origin of its own may not even ask
    const open = attempt(() => indexedDB.open(name, 1))
    if (open === null) return resolve(null)
    open.onupgradeneeded = () => open.result.createObjectStore(TABLE)
    open.onerror = () => resolve(null)
    open.onblocked = () => resolve(null)
    open.onsuccess = () => {
      const database = open.result
      const finish = (value: T | null): void => {
        database.close()
        resolve(value)
      }
      // another program's database of this name has no such table
      const transaction = attempt(() => database.transaction(TABLE, mode))
      const request = transaction === null ? null : attempt(() => begin(transaction.objectStore(TABLE)))
      if (transaction === null || request === null) return finish(null)
      transaction.oncomplete = () => finish(request.result)
      transaction.onabort = () => finish(null)
    }
  })
}

/** IndexedDB says no by an event or by an exception. */
function attempt<T>(ask: () => T): T | null {
  try {
    return ask()
  } catch {
    return null
  }
}
