// Starts worker threads in Node or in a browser and waits until each is running. Says how many threads there may be.
import { nodeWorkerSource, webWorkerSource } from './worker-source.js'

/** A started thread that can be ended from outside. */
export interface Thread {
  terminate(): void
}

const inNode = (): boolean => typeof process !== 'undefined' && process.versions?.node !== undefined && typeof process.getBuiltinModule === 'function'

/** Whether memory can be shared with other threads here. */
export const canShareMemory = (): boolean =>
  typeof SharedArrayBuffer !== 'undefined' && (inNode() || (typeof Worker !== 'undefined' && globalThis.crossOriginIsolated === true))

const MAX_THREADS = 8

export function defaultThreads(): number {
  const cores = inNode() ? process.getBuiltinModule('node:os').availableParallelism() : (globalThis.navigator?.hardwareConcurrency ?? 1)
  return Math.max(1, Math.min(cores, MAX_THREADS))
}

/** Threads number 1 to `count`; those that fail to start are left out. */
export async function startWorkers(memory: WebAssembly.Memory, count: number): Promise<Thread[]> {
  const start = inNode() ? startInNode : startInBrowser
  const threads = await Promise.all(Array.from({ length: count }, (_, i) => start(memory, i + 1)))
  return threads.filter(thread => thread !== null)
}

function startInNode(memory: WebAssembly.Memory, thread: number): Promise<Thread | null> {
  // getBuiltinModule rather than import: bundlers for browsers need not know of it
  const { Worker } = process.getBuiltinModule('node:worker_threads')
  return new Promise(resolve => {
    const worker = new Worker(nodeWorkerSource, { eval: true, execArgv: [], workerData: { memory, thread } })
    worker.once('error', () => resolve(null))
    worker.once('message', () => {
      // a device left open must not keep the process alive
      worker.unref()
      resolve({ terminate: () => void worker.terminate() })
    })
  })
}

function startInBrowser(memory: WebAssembly.Memory, thread: number): Promise<Thread | null> {
  return new Promise(resolve => {
    const url = URL.createObjectURL(new Blob([webWorkerSource], { type: 'text/javascript' }))
    const settle = (result: Thread | null): void => {
      URL.revokeObjectURL(url)
      resolve(result)
    }
    const worker = new Worker(url)
    worker.onerror = () => settle(null)
    worker.onmessage = () => settle({ terminate: () => worker.terminate() })
    worker.postMessage({ memory, thread })
  })
}
