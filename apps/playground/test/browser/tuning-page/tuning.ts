// A page for tests: a softmax on WebGPU with choices kept in the browser's own store.
import { compile, requestDevice, tensor } from '@abovo/tensor-webgpu'

/** Computes, tunes for as long as it may, computes again: the choices then, and the results. */
async function run(totalMs: number): Promise<{ choices: Record<string, unknown>; before: number[]; after: number[] }> {
  const device = await requestDevice('webgpu', { tuning: true })
  const x = tensor(Float32Array.from({ length: 32 * 64 }, (_, i) => Math.sin(i)), { shape: [32, 64], device })
  const step = compile(() => x.softmax(-1), { device })
  const before = [...(await step().data())]
  const { choices } = JSON.parse((await device.tune?.({ totalMs, compileMs: 30_000 })) ?? '{}')
  const after = [...(await step().data())]
  device.close()
  return { choices, before, after }
}

/** Puts `value` where the choices of every adapter known so far are kept. */
const spoil = (value: unknown): Promise<number> => new Promise((resolve, reject) => {
  const open = indexedDB.open('abovo-tuning', 1)
  open.onerror = () => reject(open.error)
  open.onsuccess = () => {
    const transaction = open.result.transaction('choices', 'readwrite')
    const table = transaction.objectStore('choices')
    const keys = table.getAllKeys()
    keys.onsuccess = () => keys.result.forEach(key => table.put(value, key))
    transaction.oncomplete = () => {
      open.result.close()
      resolve(keys.result.length)
    }
  }
})

/** Makes the database one of another program, or of a later version of this one. */
const replaceDatabase = (version: number): Promise<void> => new Promise((resolve, reject) => {
  indexedDB.deleteDatabase('abovo-tuning').onsuccess = () => {
    const open = indexedDB.open('abovo-tuning', version)
    open.onerror = () => reject(open.error)
    open.onsuccess = () => resolve(open.result.close())
  }
})

export const tuningPage = { run, spoil, replaceDatabase }
Object.assign(globalThis, { tuningPage })
