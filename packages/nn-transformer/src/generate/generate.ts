// Text from a language model, token by token: the loop around a session and a sampler. Beam search is beam-search.ts.
import { RandomStream } from '@abovo/tensor-webgpu'
import { checkTokens } from '../data/check-tokens.js'
import { ConfigError, DataError } from '../errors.js'
import type { LanguageModel } from '../models/language-model.js'
import { CachedSession, type CachingModel } from './cached-session.js'
import type { Choices } from './choice-table.js'
import { PlainSession, type ChoosingSession, type DecodingSession, type SessionOptions } from './decoding-session.js'
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
  const stops = new Set(stopTokens)
  const open = rows.map(() => true)
  const session = given ?? openSession(model, { batchSize: rows.length, ...sessionSize(model, rows, maxNewTokens) })
  // a stream a row: what one row draws does not depend on the others
  const uniform = (turn: number, row: number): number => new RandomStream(seed, row * 2 ** 32 + turn).uniform()
  const request = { rows, maxNewTokens, sampling, uniform, signal }
  try {
    for await (const turn of chooses(session) ? onDevice(session, request) : onHost(session, request)) {
      const choices = turn.map((choice, b) => {
        // a row that has ended goes on, but is not looked at
        const shown = open[b] ? choice : null
        rows[b].push(choice.token)
        open[b] &&= !stops.has(choice.token)
        return shown
      })
      yield choices
      if (!open.includes(true)) return
    }
  } finally {
    if (given === undefined) session.dispose()
  }
}

const chooses = (session: DecodingSession): session is ChoosingSession => 'chooseNext' in session

interface Request {
  /** What each row consists of by now. */
  readonly rows: readonly (readonly number[])[]
  readonly maxNewTokens: number
  readonly sampling: SamplingOptions
  readonly uniform: (turn: number, row: number) => number
  readonly signal: AbortSignal | undefined
}

/** What a session begins with at a turn: all of the prompts that fits, later half of what does. */
function contextsOf({ rows }: Request, turn: number, { capacity }: DecodingSession): Int32Array[] {
  const seen = turn === 0 ? capacity : Math.ceil(capacity / 2)
  return rows.map(row => Int32Array.from(row.slice(-Math.min(row.length, seen))))
}

/** Every row's choice, turn after turn, each made from logits that were read. */
async function* onHost(session: DecodingSession, request: Request): AsyncGenerator<Choice[]> {
  const { rows, maxNewTokens, sampling, uniform, signal } = request
  const V = session.vocabSize
  for (let turn = 0; turn < maxNewTokens; turn++) {
    signal?.throwIfAborted()
    const anew = turn === 0 || session.held >= session.capacity
    const logits = anew ? await session.begin(contextsOf(request, turn, session), maxNewTokens - turn - 1) : await session.next(Int32Array.from(rows, row => row[row.length - 1]))
    yield rows.map((_, b) => chooseToken(logits.subarray(b * V, (b + 1) * V), sampling, uniform(turn, b)))
  }
}

/** The most turns that are asked for before any of them is read, on a device that computes while the host goes on. */
const LONGEST_BLOCK = 8

/**
 * The same, chosen on the device. Where it computes on its own, turns are asked for in blocks, one of which is always under way while another is read: a
 * few turns are wasted when all rows end. Blocks grow from a single turn, so that the first tokens are there at once.
 */
async function* onDevice(session: ChoosingSession, request: Request): AsyncGenerator<Choice[]> {
  const { maxNewTokens, sampling, uniform, signal } = request
  const [longest, ahead] = session.device.kind === 'webgpu' ? [LONGEST_BLOCK, 1] : [1, 0]
  for (let turn = 0; turn < maxNewTokens; ) {
    signal?.throwIfAborted()
    const first = turn
    session.beginChoosing(contextsOf(request, turn, session), maxNewTokens - turn - 1, sampling, (later, row) => uniform(first + later, row))
    // the last token that is chosen needs no column
    const most = Math.min(maxNewTokens - first, session.capacity - session.held + 1)
    const blocks = [quiet(session.chosen(0))]
    for (let [asked, block] = [1, 1]; turn - first < most; ) {
      while (blocks.length <= ahead && asked < most) {
        const from = asked
        for (const end = Math.min(most, from + block); asked < end; asked++) session.chooseNext()
        blocks.push(quiet(session.chosen(from)))
        block = Math.min(2 * block, longest)
      }
      const [oldest] = blocks.splice(0, 1)
      for (const choices of turnsOf(await oldest, session.batchSize)) {
        signal?.throwIfAborted()
        turn++
        yield choices
      }
    }
  }
}

/** A reading that may never be waited for. */
function quiet<T>(reading: Promise<T>): Promise<T> {
  reading.catch(() => undefined)
  return reading
}

function turnsOf({ tokens, logProbs }: Choices, B: number): Choice[][] {
  return Array.from({ length: tokens.length / B }, (_, t) => Array.from({ length: B }, (__, b) => ({ token: tokens[t * B + b], logProb: logProbs[t * B + b] })))
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
