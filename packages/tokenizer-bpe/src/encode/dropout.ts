// BPE-dropout (arXiv 1910.13267): while a text is merged, each possible merge is left out with a probability, so that a model
// sees the same text in different tokens.
import type { ByteBpe } from '../byte-bpe.ts'
import { TokenizerError } from '../errors.ts'
import { NEVER } from '../merge/pairs.ts'
import { Utf8Buffer } from '../text/utf8.ts'

export interface DropoutOptions {
  /** Probability that a merge is left out, 0 to 1. 0 gives what `encodeOrdinary` gives, 1 the bytes. */
  p: number
  /** A whole number; the same seed gives the same ids. */
  seed: number
}

/**
 * The ids of a text with random merges left out.
 *
 * @example
 * const ids = encodeWithDropout(tokenizer, text, { p: 0.1, seed: step })
 */
export function encodeWithDropout(tokenizer: ByteBpe, text: string, { p, seed }: DropoutOptions): Uint32Array {
  if (!(p >= 0 && p <= 1)) throw new TokenizerError('INVALID_OPTION', `encodeWithDropout: p must be from 0 to 1, got ${p}`)
  if (p === 0) return tokenizer.encodeOrdinary(text)
  const { splitter, vocabulary } = tokenizer
  const buffer = new Utf8Buffer()
  buffer.write(text)
  const { bytes, length } = buffer
  const scan = splitter.begin(text)
  const random = counterRandom(seed)
  const ids: number[] = []
  for (let start = 0; start < length;) {
    const end = scan(bytes, start, length)
    const symbols: number[] = []
    for (let at = start; at < end; at++) symbols.push(vocabulary.find(bytes, at, at + 1))
    mergeWithDropout(symbols, tokenizer, p, random)
    for (const id of symbols) ids.push(id)
    start = end
  }
  return Uint32Array.from(ids)
}

function mergeWithDropout(symbols: number[], { pairs }: ByteBpe, p: number, random: () => number): void {
  for (;;) {
    let best = NEVER
    let place = -1
    let merged = -1
    for (let k = 0; k + 1 < symbols.length; k++) {
      const slot = pairs.find(symbols[k], symbols[k + 1])
      // every candidate is drawn anew in every round, as in the paper
      if (pairs.slots[slot + 2] < best && random() >= p) {
        best = pairs.slots[slot + 2]
        place = k
        merged = pairs.slots[slot + 3]
      }
    }
    if (place < 0) return
    symbols.splice(place, 2, merged)
  }
}

/** Numbers from 0 to 1 that depend on the seed and how many came before. */
function counterRandom(seed: number): () => number {
  let counter = Math.imul(seed | 0, 0x9e3779b1)
  return () => {
    counter = (counter + 0x6d2b79f5) | 0
    let mixed = Math.imul(counter ^ (counter >>> 15), counter | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
