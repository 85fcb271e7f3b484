// Work spread over worker threads: many texts to encode, or a corpus to count. Results do not depend on how many there are.
import type { BpeTokenizer } from '../bpe-tokenizer.ts'
import { TokenizerError, type TokenizerErrorCode } from '../errors.ts'
import { writeCompact } from '../formats/write-compact.ts'
import { gpt2Splitter } from '../split/known.ts'
import type { EncodeOptions } from '../tokenizer.ts'
import { BpeTrainer, type TrainBpeOptions } from '../train/train-bpe.ts'
import { type AsyncTextSource, wholeLines } from '../train/train-from.ts'
import type { WorkerAnswer, WorkerRequest } from './protocol.ts'

/** A thread that runs `@abovo/tokenizer-bpe/worker`: a page's Worker, or one of node:worker_threads. */
export type WorkerLike =
  & { postMessage(message: unknown): void; terminate(): unknown }
  & (
    | { addEventListener(type: 'message' | 'error', listener: (event: { data?: unknown; message?: string }) => void): void }
    | { on(event: string, listener: (value: unknown) => void): unknown }
  )

/** Texts that go to a worker at once: a few hundred KB. */
const BATCH = 1 << 18

export class WorkerPool {
  readonly #threads: Thread[]
  #opened: BpeTokenizer | undefined

  /**
   * @param start makes a worker
   * @example
   * const pool = new WorkerPool(() => new Worker(new URL('@abovo/tokenizer-bpe/worker', import.meta.url), { type: 'module' }), 4)
   */
  constructor(start: () => WorkerLike, size: number) {
    if (!Number.isInteger(size) || size < 1) throw new TokenizerError('INVALID_OPTION', `WorkerPool: size must be a whole number above 0, got ${size}`)
    this.#threads = Array.from({ length: size }, () => new Thread(start()))
  }

  /** The ids of each text. Throws what `tokenizer.encode` throws. */
  async encodeAll(tokenizer: BpeTokenizer, texts: readonly string[], { allowedSpecial = [], disallowedSpecial = 'all' }: EncodeOptions = {}): Promise<Uint32Array[]> {
    if (this.#opened !== tokenizer) {
      const compact = writeCompact(tokenizer)
      await Promise.all(this.#threads.map((thread) => thread.ask({ kind: 'open', compact })))
      this.#opened = tokenizer
    }
    const batches: { first: number; texts: string[] }[] = []
    let size = Infinity
    for (const [k, text] of texts.entries()) {
      if (size >= BATCH) {
        batches.push({ first: k, texts: [] })
        size = 0
      }
      batches[batches.length - 1].texts.push(text)
      size += text.length
    }
    const results: Uint32Array[] = Array.from(texts, () => new Uint32Array(0))
    const sets = { allowedSpecial: setOf(allowedSpecial), disallowedSpecial: setOf(disallowedSpecial) }
    await this.#spread(batches, async (thread, batch) => {
      const answer = await thread.ask({ kind: 'encode', texts: batch.texts, ...sets })
      if (answer.kind === 'ids') for (const [k, ids] of answer.ids.entries()) results[batch.first + k] = ids
    })
    return results
  }

  /** Trains as `trainBpeFrom` does, with the counting spread over the workers. */
  async train(source: AsyncTextSource, options: TrainBpeOptions): Promise<BpeTokenizer> {
    const { maxWords, byLine = true } = options
    if (maxWords !== undefined || !byLine) throw new TokenizerError('INVALID_OPTION', 'WorkerPool.train: a corpus must be countable in parts, got maxWords or byLine: false; use trainBpeFrom')
    const trainer = new BpeTrainer(options)
    const pattern = (options.extend?.splitter ?? options.splitter ?? gpt2Splitter).pattern
    // added in the order of the parts, so that words are met in the same order whatever the number of workers
    let added: Promise<void> = Promise.resolve()
    await this.#spread(wholeLines(source, 1 << 22), async (thread, text) => {
      const before = added
      const counted = thread.ask({ kind: 'count', text, pattern, byLine })
      added = Promise.all([counted, before]).then(([answer]) => {
        if (answer.kind === 'counts') trainer.addCounts(answer.counts)
      })
      // a failure is reported by `counted`
      added.catch(() => undefined)
      await counted
    })
    await added
    return trainer.train()
  }

  /** Ends the workers. */
  close(): void {
    for (const thread of this.#threads) thread.close()
  }

  async #spread<T>(items: Iterable<T> | AsyncIterable<T>, work: (thread: Thread, item: T) => Promise<void>): Promise<void> {
    const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
    await Promise.all(this.#threads.map(async (thread) => {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) await work(thread, next.value)
    }))
  }
}

/** One worker and the requests it has not answered. */
class Thread {
  readonly #worker: WorkerLike
  readonly #waiting: { resolve: (answer: WorkerAnswer) => void; reject: (error: Error) => void }[] = []
  #ended: Error | undefined

  constructor(worker: WorkerLike) {
    this.#worker = worker
    if ('on' in worker) {
      worker.on('message', (answer) => this.#receive(answer))
      worker.on('error', (error) => this.#fail(error instanceof Error ? error : new Error(String(error))))
    } else {
      worker.addEventListener('message', (event) => this.#receive(event.data))
      worker.addEventListener('error', (event) => this.#fail(new Error(event.message ?? 'the worker could not start')))
    }
  }

  ask(request: WorkerRequest): Promise<WorkerAnswer> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#worker.postMessage(request)
    })
  }

  close(): void {
    this.#worker.terminate()
    this.#fail(new TokenizerError('INVALID_OPTION', 'WorkerPool: a pool must stay open until its work is done, got closed'))
  }

  #receive(answer: unknown): void {
    const next = this.#waiting.shift()
    if (next === undefined || !isAnswer(answer)) return
    if (answer.kind === 'failed') next.reject(new TokenizerError(codeOf(answer.code), answer.message))
    else next.resolve(answer)
  }

  #fail(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}

function isAnswer(value: unknown): value is WorkerAnswer {
  return typeof value === 'object' && value !== null && 'kind' in value
}

function codeOf(code: string): TokenizerErrorCode {
  return CODES.find((known) => known === code) ?? 'INVALID_OPTION'
}

const CODES: readonly TokenizerErrorCode[] = ['SPECIAL_TOKEN_IN_TEXT', 'UNKNOWN_SPECIAL_TOKEN', 'UNKNOWN_CHARACTER', 'INVALID_FORMAT', 'UNSUPPORTED_PATTERN', 'PATTERN_TOO_SLOW']

function setOf(set: 'all' | Iterable<string>): 'all' | string[] {
  return set === 'all' ? 'all' : [...set]
}
