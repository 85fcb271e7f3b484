// Tuning choices in browsers: one IndexedDB record an adapter.
import type { TuningStore } from './store.js'

const TABLE = 'choices'

export function databaseStore(name = 'abovo-tuning'): TuningStore {
  return {
    load: adapter => transact<string | null>(name, 'readonly', null, (table, done) => {
      const request = table.get(adapter)
      request.onsuccess = () => done(typeof request.result === 'string' ? request.result : null)
    }),
    save: (adapter, text) => transact<void>(name, 'readwrite', undefined, (table, done) => {
      table.put(text, adapter).onsuccess = () => done(undefined)
    }),
  }
}

/** What `work` says is done, or `otherwise` where the database refuses. */
function transact<T>(name: string, mode: IDBTransactionMode, otherwise: T, work: (table: IDBObjectStore, done: (value: T) => void) => void): Promise<T> {
  return new Promise(resolve => {
    const open = indexedDB.open(name, 1)
    open.onupgradeneeded = () => open.result.createObjectStore(TABLE)
    open.onerror = () => resolve(otherwise)
    open.onblocked = () => resolve(otherwise)
    open.onsuccess = () => {
      const database = open.result
      const finish = (value: T): void => {
        database.close()
        resolve(value)
      }
      const transaction = database.transaction(TABLE, mode)
      transaction.onabort = () => finish(otherwise)
      work(transaction.objectStore(TABLE), finish)
    }
  })
}
