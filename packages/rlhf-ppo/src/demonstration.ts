// What a model should say: a prompt and its completion, as text or as token ids. Reading rows and turning text to ids; no training here.
import { OptionError } from './errors.js'
import { parseJsonLines } from './json-lines.js'
import type { Preference } from './preference.js'

/** TRL's prompt-completion row. */
export interface Demonstration {
  readonly prompt: string
  readonly completion: string
}

/** A prompt and what follows it, in token ids; the completion ends with the end token where the text ends. */
export interface Example {
  readonly prompt: ArrayLike<number>
  readonly completion: ArrayLike<number>
}

/** A prompt and its answers in token ids, best first. */
export interface RankedExample {
  readonly prompt: ArrayLike<number>
  readonly completions: readonly ArrayLike<number>[]
  readonly margin?: number
}

/** All that this package asks of a tokenizer. */
export interface TextTokenizer {
  encode(text: string): ArrayLike<number>
  decode(ids: ArrayLike<number>): string
}

/**
 * Reads demonstrations from JSON Lines with the fields prompt and completion.
 *
 * @throws DataError with the line for a row that is malformed or empty.
 */
export function parseDemonstrations(text: string): Demonstration[] {
  return parseJsonLines(text).map(row => ({ prompt: row.text('prompt'), completion: row.text('completion') }))
}

export interface EncodeOptions {
  tokenizer: TextTokenizer
  /** Put after every completion: without it the model never learns to stop. */
  endToken: number
}

/** Prompt and completion are encoded apart, as generation meets them: it continues from the ids of the prompt. */
export const encodeDemonstration = (row: Demonstration, options: EncodeOptions): Example => ({ prompt: encodePrompt(row.prompt, options), completion: encodeCompletion(row.completion, options) })

export const encodePreference = (row: Preference, options: EncodeOptions): RankedExample => ({
  prompt: encodePrompt(row.prompt, options),
  completions: row.completions.map(completion => encodeCompletion(completion, options)),
  ...(row.margin === undefined ? {} : { margin: row.margin }),
})

export function encodePrompt(prompt: string, { tokenizer }: Pick<EncodeOptions, 'tokenizer'>): number[] {
  const ids = Array.from(tokenizer.encode(prompt))
  if (ids.length === 0) throw new OptionError(`encodePrompt: a prompt must have one token or more, got ${JSON.stringify(prompt)}; the first answer token needs something to follow`)
  return ids
}

const encodeCompletion = (completion: string, { tokenizer, endToken }: EncodeOptions): number[] => [...Array.from(tokenizer.encode(completion)), endToken]
