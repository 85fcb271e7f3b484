// The model's voice: continues a prompt token by token, with one session (and so one compiled plan) for all samples of a run.
import { openSession, streamTokens, type DecodingSession, type Gpt } from '@abovo/nn-transformer'
import type { Tokenizer } from '@abovo/tokenizer-bpe'
import type { GenerateRequest } from '../protocol.ts'
import { nextMessage } from './next-message.ts'
import { idsOf, SEPARATOR } from './tokens.ts'

export class Speaker {
  readonly #model: Gpt
  readonly #tokenizer: Tokenizer
  #session: DecodingSession | null = null

  constructor(model: Gpt, tokenizer: Tokenizer) {
    this.#model = model
    this.#tokenizer = tokenizer
  }

  /** The continuation without the prompt; `onText` gets all of it so far. Ends early when `signal` says so. */
  async speak({ prompt, temperature, topK, count, seed }: GenerateRequest, { onText, signal }: { onText?: (text: string) => void; signal?: AbortSignal } = {}): Promise<string> {
    this.#session ??= openSession(this.#model, { batchSize: 1 })
    const start = this.#startOf(prompt)
    const stop = this.#tokenizer.idOf(SEPARATOR)
    const tokens: number[] = []
    for await (const { token } of streamTokens(this.#model, start, {
      maxNewTokens: count, temperature, topK, seed, session: this.#session, ...(stop === undefined ? {} : { stopTokens: [stop] }),
    })) {
      if (token === stop || signal?.aborted === true) break
      tokens.push(token)
      onText?.(this.#text(tokens, false))
      await nextMessage()
    }
    return this.#text(tokens, true)
  }

  dispose(): void {
    this.#session?.dispose()
  }

  /** Without a prompt the model starts after a line's end: the separator is in no text of one piece, and so was never trained. */
  #startOf(prompt: string): Uint32Array {
    const ids = idsOf(this.#tokenizer, prompt === '' ? '\n' : prompt)
    return ids.length > 0 ? ids : Uint32Array.of(0)
  }

  /** Of an unfinished character nothing is shown while more may come. */
  #text(tokens: readonly number[], last: boolean): string {
    const text = this.#tokenizer.decode(tokens)
    return last ? text : text.replace(/\ufffd+$/, '')
  }
}
