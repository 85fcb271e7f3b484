// The program of a worker thread, in browsers and in Node: `new Worker(new URL('@abovo/tokenizer-bpe/worker', import.meta.url))`.
import type { MessagePort } from 'node:worker_threads'
import { createAnswerer } from './workers/answer.ts'
import type { WorkerAnswer, WorkerRequest } from './workers/protocol.ts'

const answer = createAnswerer()

function buffersOf(result: WorkerAnswer): ArrayBufferLike[] {
  if (result.kind === 'ids') return result.ids.map(({ buffer }) => buffer)
  return result.kind === 'counts' ? [result.counts.bytes.buffer, result.counts.lengths.buffer, result.counts.counts.buffer] : []
}

if (typeof globalThis.postMessage === 'function' && 'onmessage' in globalThis) {
  addEventListener('message', ({ data }: MessageEvent<WorkerRequest>) => {
    const result = answer(data)
    postMessage(result, { transfer: buffersOf(result).filter((buffer) => buffer instanceof ArrayBuffer) })
  })
} else {
  // the name in a variable: bundlers for browsers must not look for it
  const threads = 'node:worker_threads'
  const { parentPort }: { parentPort: MessagePort | null } = await import(/* @vite-ignore */ threads)
  parentPort?.on('message', (request: WorkerRequest) => {
    const result = answer(request)
    parentPort.postMessage(result, buffersOf(result).filter((buffer) => buffer instanceof ArrayBuffer))
  })
}
