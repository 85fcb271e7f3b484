// What a worker does with a request; the same code on one thread when there are no workers.
import type { BpeTokenizer } from '../bpe-tokenizer.ts'
import { TokenizerError } from '../errors.ts'
import { openCompact } from '../formats/open-compact.ts'
import { splitterOf } from '../split/pattern-splitter.ts'
import { WordCounter } from '../train/count-words.ts'
import type { WorkerAnswer, WorkerRequest } from './protocol.ts'

/** Answers requests; keeps the tokenizer that was opened last. */
export function createAnswerer(): (request: WorkerRequest) => WorkerAnswer {
  let tokenizer: BpeTokenizer | undefined
  return (request) => {
    try {
      switch (request.kind) {
        case 'open':
          tokenizer = openCompact(request.compact)
          return { kind: 'opened' }
        case 'encode': {
          const { texts, ...options } = request
          if (tokenizer === undefined) throw new TokenizerError('INVALID_OPTION', 'worker: a tokenizer must be opened before encoding, got none')
          const opened = tokenizer
          return { kind: 'ids', ids: texts.map((text) => opened.encode(text, options)) }
        }
        case 'count': {
          const counter = new WordCounter(splitterOf(request.pattern), request.byLine)
          counter.add(request.text)
          return { kind: 'counts', counts: counter.counts.pack() }
        }
      }
    } catch (error) {
      return { kind: 'failed', code: error instanceof TokenizerError ? error.code : 'INVALID_OPTION', message: error instanceof Error ? error.message : String(error) }
    }
  }
}
