// Runs phases of kernels over chunks on the calling thread and, where there are any, on workers. Returns when all chunks are done.
import { DeviceError } from '../../errors.js'
import {
  DONE, FAILED, JOB_CHUNK, JOB_CHUNKS, JOB_FRAME, JOB_FUNCTION, JOB_MODULE, JOB_SCRATCH, JOB_SCRATCH_BYTES, JOB_SERIAL, JOB_UNITS, MODULES, NO_CHUNK, SLEEPING,
  STATE, STOP, CHUNK_BITS,
} from './control.js'
import type { LoadedPhase } from './kernel-cache.js'
import type { LinearMemory } from './linear-memory.js'
import { startWorkers, type Thread } from './start-workers.js'

/** About 20 µs, before the calling thread gives up its core to a worker that was put aside in the middle of a chunk. */
const SPINS = 2000

export class ThreadPool {
  readonly threads: number
  readonly #workers: readonly Thread[]
  readonly #words: Int32Array
  readonly #mayBlock: boolean
  #job = 0

  private constructor(memory: LinearMemory, workers: readonly Thread[]) {
    this.threads = workers.length + 1
    this.#workers = workers
    // unshared memory may move when it grows, but is used by one thread only, which needs no control words
    this.#words = new Int32Array(memory.buffer, 0, MODULES)
    this.#mayBlock = workers.length > 0 && mayBlock(this.#words)
    this.#words[STATE] = NO_CHUNK
  }

  static async start(memory: LinearMemory, threads: number): Promise<ThreadPool> {
    if (threads > 1) new Int32Array(memory.buffer)[STATE] = NO_CHUNK
    return new ThreadPool(memory, threads > 1 ? await startWorkers(memory.memory, threads - 1) : [])
  }

  /** `scratch` is thread 0's; each thread's is `scratchBytes` further. */
  run(phase: LoadedPhase, frame: number, scratch: number, scratchBytes: number): void {
    const chunks = Math.ceil(phase.units / phase.chunk)
    if (this.#workers.length === 0 || chunks === 1) {
      for (let begin = 0; begin < phase.units; begin += phase.chunk) phase.call(frame, scratch, begin, Math.min(begin + phase.chunk, phase.units))
      return
    }
    this.#publish(phase, chunks, frame, scratch, scratchBytes)
    this.#takeChunks(phase, chunks, frame, scratch)
    this.#await(chunks)
    if (this.#words[FAILED] !== 0) throw new DeviceError('wasm: kernels must run in every thread, got a failure in a worker; ask for threads: 1', 'worker')
  }

  #publish(phase: LoadedPhase, chunks: number, frame: number, scratch: number, scratchBytes: number): void {
    const words = this.#words
    this.#job = (this.#job + 1) & ((1 << (32 - CHUNK_BITS)) - 1)
    // closed under the new number first: a worker that still holds the old state can no longer take a chunk
    Atomics.store(words, STATE, (this.#job << CHUNK_BITS) | NO_CHUNK)
    words[JOB_MODULE] = phase.module.slot
    words[JOB_SERIAL] = phase.module.serial
    words[JOB_FUNCTION] = phase.index
    words[JOB_FRAME] = frame
    words[JOB_UNITS] = phase.units
    words[JOB_CHUNK] = phase.chunk
    words[JOB_CHUNKS] = chunks
    words[JOB_SCRATCH] = scratch
    words[JOB_SCRATCH_BYTES] = scratchBytes
    words[DONE] = 0
    Atomics.store(words, STATE, this.#job << CHUNK_BITS)
    if (Atomics.load(words, SLEEPING) > 0) Atomics.notify(words, STATE, chunks - 1)
  }

  #takeChunks(phase: LoadedPhase, chunks: number, frame: number, scratch: number): void {
    for (;;) {
      const chunk = Atomics.add(this.#words, STATE, 1) & NO_CHUNK
      if (chunk >= chunks) {
        // taken back: the count must not run into the job's number
        Atomics.store(this.#words, STATE, (this.#job << CHUNK_BITS) | NO_CHUNK)
        return
      }
      const begin = chunk * phase.chunk
      phase.call(frame, scratch, begin, Math.min(begin + phase.chunk, phase.units))
      Atomics.add(this.#words, DONE, 1)
    }
  }

  #await(chunks: number): void {
    for (let spins = 0; ; spins++) {
      const done = Atomics.load(this.#words, DONE)
      if (done === chunks) return
      if (spins > SPINS && this.#mayBlock) Atomics.wait(this.#words, DONE, done, 1)
    }
  }

  close(): void {
    if (this.#workers.length === 0) return
    Atomics.store(this.#words, STOP, 1)
    Atomics.add(this.#words, STATE, 1 << CHUNK_BITS)
    Atomics.notify(this.#words, STATE)
    for (const worker of this.#workers) worker.terminate()
  }
}

/** A page's own thread may not sleep. */
function mayBlock(words: Int32Array): boolean {
  try {
    Atomics.wait(words, DONE, words[DONE], 0)
    return true
  } catch {
    return false
  }
}
