// Text from a language model, token by token: the loop around a session and a sampler. Beam search is beam-search.ts.
import { RandomStream } from '@abovo/tensor-webgpu'
import { checkTokens } from '../data/check-tokens.js'
import { ConfigError, DataError } from '../errors.js'
import type { LanguageModel } from '../models/language-model.js'
import { CachedSession, type CachingModel } from './cached-session.js'
import { PlainSession, type DecodingSession, type SessionOptions } from './decoding-session.js'
import { RecurrentSession, type RecurrentModel } from './recurrent-session.js'
import { checkSampling, chooseToken, type Choice, type SamplingOptions } from './sampling.js'

export interface GenerateOptions extends SamplingOptions {
  maxNewTokens: number
  /** Of the choices; equal seeds give equal texts on one device. */
  seed: number
  /** A row ends after one of these, which is part of its tokens. */
  stopTokens?: readonly number[]
  signal?: AbortSignal
  /** To use again and again, as rollouts do; else one is made and thrown away. Its batch size must be the number of prompts. */
  session?: DecodingSession
}

/** A row's new tokens, without the prompt. */
export interface Generated {
  readonly tokens: Int32Array
  /** Of each token, at the sampling temperature, before the top-k and top-p cuts. */
  readonly logProbs: Float32Array
  readonly finish: 'stop' | 'length'
}

const canCache = (model: LanguageModel): model is CachingModel => 'extendCache' in model
const hasState = (model: LanguageModel): model is RecurrentModel => 'advance' in model

/** The fastest session for a model. */
export function openSession(model: LanguageModel, options: SessionOptions = {}): DecodingSession {
  if (canCache(model)) return new CachedSession(model, options)
  return hasState(model) ? new RecurrentSession(model, options) : new PlainSession(model, options)
}

/**
 * Continues several prompts at once. A model with a context length sees the last tokens that fit: when the context is full, it goes on from the
 * second half of it.
 *
 * @throws ConfigError for options out of range, DataError for empty prompts and ids outside the vocabulary; the signal's reason when aborted.
 * @example
 * const [answer] = await generate(model, [tokenizer.encode('To be')], { maxNewTokens: 20, temperature: 0.8, topK: 40, seed: 1 })
 * tokenizer.decode(answer.tokens)
 */
export async function generate(model: LanguageModel, prompts: readonly ArrayLike<number>[], options: GenerateOptions): Promise<Generated[]> {
  const rows = prompts.map((): Choice[] => [])
  const stops = new Set(options.stopTokens)
  for await (const choices of choose(model, prompts, options)) choices.forEach((choice, b) => choice && rows[b].push(choice))
  return rows.map(row => ({
    tokens: Int32Array.from(row, choice => choice.token),
    logProbs: Float32Array.from(row, choice => choice.logProb),
    finish: row.length > 0 && stops.has(row[row.length - 1].token) ? 'stop' : 'length',
  }))
}

/**
 * Continues one prompt, giving each token as it is chosen.
 *
 * @example
 * for await (const { token } of streamTokens(model, ids, { maxNewTokens: 20, seed: 1 })) show(token)
 */
export async function* streamTokens(model: LanguageModel, prompt: ArrayLike<number>, options: GenerateOptions): AsyncGenerator<Choice> {
  for await (const [choice] of choose(model, [prompt], options)) if (choice !== null) yield choice
}

/** One choice a row and turn; null for rows that have ended. */
async function* choose(model: LanguageModel, prompts: readonly ArrayLike<number>[], { maxNewTokens, seed, stopTokens = [], signal, session: given, ...sampling }: GenerateOptions): AsyncGenerator<(Choice | null)[]> {
  checkPrompts(prompts, model.vocabSize, given)
  checkSampling('generate', sampling)
  if (!(Number.isSafeInteger(maxNewTokens) && maxNewTokens >= 0)) throw new ConfigError(`generate: maxNewTokens must be a non-negative integer, got ${maxNewTokens}`)
  if (maxNewTokens === 0) return
  const rows = prompts.map(prompt => Array.from(prompt))
  // a stream a row: what one row draws does not depend on the others
  const streams = rows.map((_, b) => new RandomStream(seed, b * 2 ** 32))
  const stops = new Set(stopTokens)
  const open = rows.map(() => true)
  const session = given ?? openSession(model, { batchSize: rows.length, ...sessionSize(model, rows, maxNewTokens) })
  try {
    for (let turn = 0; turn < maxNewTokens && open.includes(true); turn++) {
      signal?.throwIfAborted()
      const anew = turn === 0 || session.held >= session.capacity
      const seen = turn === 0 ? session.capacity : Math.ceil(session.capacity / 2)
      const contexts = anew ? rows.map(row => Int32Array.from(row.slice(-Math.min(row.length, seen)))) : []
      const logits = anew ? await session.begin(contexts, maxNewTokens - turn - 1) : await session.next(Int32Array.from(rows, row => row[row.length - 1]))
      const V = session.vocabSize
      const choices = rows.map((row, b) => {
        // a row that has ended goes on with its last token: it is not looked at
        const choice = open[b] ? chooseToken(logits.subarray(b * V, (b + 1) * V), sampling, streams[b].uniform()) : null
        row.push(choice?.token ?? row[row.length - 1])
        open[b] &&= !stops.has(row[row.length - 1])
        return choice
      })
      yield choices
    }
  } finally {
    if (given === undefined) session.dispose()
  }
}

/** A cache no longer than what will be used. */
function sessionSize(model: LanguageModel, rows: readonly (readonly number[])[], maxNewTokens: number): SessionOptions {
  const wanted = Math.max(...rows.map(row => row.length)) + maxNewTokens
  // multiples of 64: a plan is kept for each size
  return model.contextLength === null ? {} : { capacity: Math.min(model.contextLength, Math.ceil(wanted / 64) * 64) }
}

function checkPrompts(prompts: readonly ArrayLike<number>[], vocabSize: number, session: DecodingSession | undefined): void {
  if (prompts.length === 0) throw new DataError('generate: at least one prompt must be given, got none')
  prompts.forEach((prompt, b) => {
    if (prompt.length === 0) throw new DataError(`generate: a prompt must have at least one token, got none in prompt ${b}; begin with a separator such as the end-of-text token`)
    checkTokens(`generate: prompt ${b}`, prompt, vocabSize)
  })
  if (session !== undefined && session.batchSize !== prompts.length) throw new DataError(`generate: the session takes ${session.batchSize} prompts at a time, got ${prompts.length}`)
}
