// A text split into what is learned from and what is only evaluated on, and both as tokens of a BPE vocabulary learned from the first part alone.
import { BpeTokenizer, loadTokenizer, trainBpe, type Tokenizer } from '@abovo/tokenizer-bpe'
import { Failure } from '../failure.js'
import type { SourceText } from './source-text.js'

/** Separates documents, and answers from what follows; id 0. */
export const END_OF_TEXT = '<|endoftext|>'

export interface SplitText {
  readonly train: string
  readonly heldOut: string
}

/** The last part is held out, from the beginning of a line. */
export function splitText({ text }: SourceText, heldOut: number): SplitText {
  const wanted = Math.floor(text.length * (1 - heldOut))
  const lineEnd = text.indexOf('\n', wanted)
  const border = lineEnd >= 0 && lineEnd < wanted + text.length * heldOut * 0.2 ? lineEnd + 1 : characterBorder(text, wanted)
  return { train: text.slice(0, border), heldOut: text.slice(border) }
}

/** Not between the halves of a surrogate pair. */
const characterBorder = (text: string, at: number): number => (/[\udc00-\udfff]/.test(text[at] ?? '') ? at + 1 : at)

export interface TokenizerFile {
  readonly tokenizer: Tokenizer
  /** The bytes of tokenizer.json. */
  readonly bytes: Uint8Array
}

export function learnTokenizer(text: string, { vocabSize, onProgress }: { vocabSize: number; onProgress?: (merges: number, wanted: number) => void }): TokenizerFile {
  const tokenizer = trainBpe(text, {
    vocabSize,
    specialTokens: [END_OF_TEXT],
    onProgress: ({ merges, wanted }) => onProgress?.(merges, wanted),
  })
  return { tokenizer, bytes: new TextEncoder().encode(`${JSON.stringify(tokenizer)}\n`) }
}

/** @param where the file, for messages. */
export function openTokenizer(bytes: Uint8Array, where: string): TokenizerFile {
  try {
    return { tokenizer: loadTokenizer(new TextDecoder().decode(bytes)), bytes }
  } catch (error) {
    throw new Failure('input', `${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** Ids of a text in which nothing is special: a user's text may well contain `<|endoftext|>`. */
export const encodePlain = (tokenizer: Tokenizer, text: string): Uint32Array =>
  tokenizer instanceof BpeTokenizer ? tokenizer.encodeOrdinary(text) : tokenizer.encode(text, { disallowedSpecial: [], addSpecialTokens: false })

export interface TokenSplit {
  readonly train: Uint32Array
  readonly heldOut: Uint32Array
}

/** @throws Failure `usage` when the text does not hold one context. */
export function encodeSplit({ train, heldOut }: SplitText, tokenizer: Tokenizer, { nPositions, where }: { nPositions: number; where: string }): TokenSplit {
  const tokens = { train: encodePlain(tokenizer, train), heldOut: encodePlain(tokenizer, heldOut) }
  if (tokens.train.length < nPositions + 1)
    throw new Failure('usage', `${where}: the text must be longer than the context, got ${tokens.train.length} tokens to learn from and a context of ${nPositions}; give a longer text, or a smaller --n-positions`)
  if (tokens.heldOut.length < 2) throw new Failure('usage', `${where}: the held-out part must have two tokens, got ${tokens.heldOut.length}; give a longer text, or a larger --held-out`)
  return tokens
}
