// Continuations of prompts, for people to read: on a terminal as they are generated, or whole.
import { generate, streamTokens, type Gpt } from '@abovo/nn-transformer'
import { BpeTokenizer, decodeStream, type Tokenizer } from '@abovo/tokenizer-bpe'
import { encodePlain, END_OF_TEXT } from '../text/corpus.js'

export interface SamplingSettings {
  readonly tokens: number
  readonly temperature: number
  readonly topK?: number | undefined
  readonly topP?: number | undefined
  readonly seed: number
}

interface Speaker {
  readonly model: Gpt
  readonly tokenizer: Tokenizer
}

/** The id of `<|endoftext|>`, or null in a vocabulary without it. */
export const endTokenOf = (tokenizer: Tokenizer): number | null => tokenizer.idOf(END_OF_TEXT) ?? null

/** What is continued: an empty prompt begins a new text. */
export function promptIds(tokenizer: Tokenizer, prompt: string): Uint32Array {
  const ids = encodePlain(tokenizer, prompt)
  return ids.length > 0 ? ids : Uint32Array.of(endTokenOf(tokenizer) ?? 0)
}

const generateOptions = (tokenizer: Tokenizer, { tokens, temperature, topK, topP, seed }: SamplingSettings) => {
  const end = endTokenOf(tokenizer)
  return { maxNewTokens: tokens, temperature, seed, ...(topK === undefined ? {} : { topK }), ...(topP === undefined ? {} : { topP }), stopTokens: end === null ? [] : [end] }
}

/** One continuation of each prompt, without the prompt and without the end token. */
export async function continuations({ model, tokenizer }: Speaker, prompts: readonly string[], settings: SamplingSettings): Promise<string[]> {
  const generated = await generate(model, prompts.map(prompt => promptIds(tokenizer, prompt)), generateOptions(tokenizer, settings))
  return generated.map(({ tokens, finish }) => tokenizer.decode(finish === 'stop' ? tokens.subarray(0, -1) : tokens))
}

/** Text as it is certain: characters of several tokens come whole. */
export async function* streamText({ model, tokenizer }: Speaker, ids: ArrayLike<number>, settings: SamplingSettings, signal?: AbortSignal): AsyncGenerator<string> {
  const end = endTokenOf(tokenizer)
  const stream = tokenizer instanceof BpeTokenizer ? decodeStream(tokenizer) : null
  for await (const { token } of streamTokens(model, ids, generateOptions(tokenizer, settings))) {
    if (signal?.aborted === true) break
    if (token !== end) yield stream === null ? tokenizer.decode([token]) : stream.push(token)
  }
  yield stream?.end() ?? ''
}
