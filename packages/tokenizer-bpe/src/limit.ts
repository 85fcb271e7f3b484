// Token budgets: how many ids a text has, up to a limit, and the longest beginning of it that stays within one.
import type { ByteBpe } from './byte-bpe.ts'
import { TokenizerError } from './errors.ts'
import { chunkEnd } from './split/chunks.ts'
import { encodeWithOffsets } from './offsets.ts'
import type { EncodeOptions } from './tokenizer.ts'

/** The ids of a text part by part, for texts too long to hold all ids, or when the first ids may be enough. */
export function* encodeParts(tokenizer: ByteBpe, text: string, options?: EncodeOptions): Generator<Uint32Array> {
  for (const { start, end, id } of tokenizer.stretches(text, options)) {
    if (id >= 0) {
      yield Uint32Array.of(id)
      continue
    }
    for (let at = start; at < end;) {
      const cut = tokenizer.splitter.cuttable ? Math.min(chunkEnd(text, at), end) : end
      yield tokenizer.encodeOrdinary(text.slice(at, cut))
      at = cut
    }
  }
}

/**
 * How many ids a text has, or undefined if they are more than `limit`; stops soon after the limit.
 *
 * @example
 * if (countUpTo(tokenizer, prompt, 8192) === undefined) throw new Error('the prompt is too long')
 */
export function countUpTo(tokenizer: ByteBpe, text: string, limit: number, options?: EncodeOptions): number | undefined {
  checkLimit('countUpTo', limit)
  let count = 0
  for (const part of encodeParts(tokenizer, text, options)) {
    count += part.length
    if (count > limit) return undefined
  }
  return count
}

/**
 * A beginning of `text`, in whole characters, that has at most `limit` ids: as much as the first `limit` ids of the text
 * cover. (BPE is not monotonic: a little more text can have fewer ids.)
 */
export function truncate(tokenizer: ByteBpe, text: string, limit: number, options?: EncodeOptions): string {
  checkLimit('truncate', limit)
  // enough text for the limit, found without encoding what lies far behind it
  let count = 0
  let bytes = 0
  for (const part of encodeParts(tokenizer, text, options)) {
    count += part.length
    for (const id of part) bytes += tokenizer.vocabulary.has(id) ? tokenizer.vocabulary.lengths[id] : tokenizer.bytesOf(id).length
    if (count > limit) break
  }
  if (count <= limit) return text
  const { ids, starts, ends } = encodeWithOffsets(tokenizer, text.slice(0, bytes + 1), options)
  let end = 0
  for (let k = 0; k < Math.min(limit, ids.length); k++) {
    // an id that ends inside a character is not a place to cut
    const whole = k + 1 === ids.length || starts[k + 1] >= ends[k]
    if (whole) end = ends[k]
  }
  // cutting can split the last piece another way
  while (end > 0 && tokenizer.count(text.slice(0, end), options) > limit) {
    end = previousCharacter(text, end)
  }
  return text.slice(0, end)
}

function previousCharacter(text: string, end: number): number {
  const unit = text.charCodeAt(end - 1)
  return unit >= 0xdc00 && unit < 0xe000 && end > 1 && (text.charCodeAt(end - 2) & 0xfc00) === 0xd800 ? end - 2 : end - 1
}

function checkLimit(where: string, limit: number): void {
  if (!Number.isInteger(limit) || limit < 0) throw new TokenizerError('INVALID_OPTION', `${where}: limit must be a whole number from 0, got ${limit}`)
}
