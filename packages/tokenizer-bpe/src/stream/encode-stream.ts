// Text to ids as it comes: the same ids as of the whole text, whatever the parts. What later text could change is held back.
import type { ByteBpe } from '../byte-bpe.ts'
import { lastCut } from '../split/chunks.ts'
import { patternOf } from '../special-tokens.ts'
import type { EncodeOptions } from '../tokenizer.ts'

/** Encodes one text piece by piece. */
export interface EncodeStream {
  /** The ids that are certain now; often none. */
  push(text: string): Uint32Array
  /** The ids of what was held back. The stream can then be used anew. */
  end(): Uint32Array
}

/**
 * A stream of one text. Only the three known patterns give ids before `end`: any other pattern may look ahead without bound.
 *
 * @example
 * const stream = encodeStream(tokenizer)
 * for await (const text of file) ids.push(stream.push(text))
 * ids.push(stream.end())
 */
export function encodeStream(tokenizer: ByteBpe, options?: EncodeOptions): EncodeStream {
  const specials = patternOf(tokenizer.specialTokens.keys())
  let longest = 0
  for (const name of tokenizer.specialTokens.keys()) longest = Math.max(longest, name.length)
  let parts: string[] = []
  let length = 0
  // after a failure to cut, the text must double before the next try: else one long piece costs n²
  let enough = 0

  const cutOf = (text: string): number => {
    // a special token that starts before `limit` is there as a whole
    const limit = text.length - Math.max(0, longest - 1)
    let plain = 0
    if (specials !== undefined) {
      for (const match of text.matchAll(specials)) if (match.index < limit) plain = match.index + match[0].length
    }
    return plain >= limit ? plain : lastCut(text, plain, limit)
  }

  const take = (): string => {
    const text = parts.join('')
    parts = []
    length = enough = 0
    return text
  }

  return {
    push(added) {
      parts.push(added)
      length += added.length
      if (!tokenizer.splitter.cuttable || length < enough) return new Uint32Array(0)
      const text = take()
      const cut = Math.max(0, cutOf(text))
      if (cut < text.length) parts.push(text.slice(cut))
      length = text.length - cut
      enough = cut === 0 ? length * 2 : 0
      return cut === 0 ? new Uint32Array(0) : tokenizer.encode(text.slice(0, cut), options)
    },
    end: () => tokenizer.encode(take(), options),
  }
}
