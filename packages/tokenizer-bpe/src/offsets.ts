// Where each id's text is: in UTF-16 units, for JavaScript, and in bytes of UTF-8.
import type { ByteBpe } from './byte-bpe.ts'
import type { EncodeOptions } from './tokenizer.ts'

export interface EncodingWithOffsets {
  ids: Uint32Array
  /** First unit of the characters of each id; an id that begins inside a character starts where that character does. */
  starts: Uint32Array
  /** One past the last unit of the characters of each id. */
  ends: Uint32Array
  byteStarts: Uint32Array
  byteEnds: Uint32Array
}

/**
 * The ids of a text and where they are in it.
 *
 * @example
 * const { ids, starts, ends } = encodeWithOffsets(tokenizer, text)
 * text.slice(starts[0], ends[0])
 */
export function encodeWithOffsets(tokenizer: ByteBpe, text: string, options?: EncodeOptions): EncodingWithOffsets {
  const ids = tokenizer.encode(text, options)
  const starts = new Uint32Array(ids.length)
  const ends = new Uint32Array(ids.length)
  const byteStarts = new Uint32Array(ids.length)
  const byteEnds = new Uint32Array(ids.length)
  const { vocabulary } = tokenizer
  let unit = 0        // start of the character that holds the next byte
  let unitByte = 0    // and its first byte
  let byte = 0
  for (let k = 0; k < ids.length; k++) {
    const length = vocabulary.has(ids[k]) ? vocabulary.lengths[ids[k]] : tokenizer.bytesOf(ids[k]).length
    starts[k] = unit
    byteStarts[k] = byte
    byte += length
    byteEnds[k] = byte
    let end = unit
    while (unitByte < byte) {
      const codePoint = text.codePointAt(unit) ?? 0
      const bytes = bytesOf(codePoint)
      end = unit + (codePoint > 0xffff ? 2 : 1)
      if (unitByte + bytes > byte) break   // the character goes on in the next id
      unitByte += bytes
      unit = end
    }
    ends[k] = end
  }
  return { ids, starts, ends, byteStarts, byteEnds }
}

/** Bytes of a code point in UTF-8; 3 for a lone surrogate, which is encoded as U+FFFD. */
function bytesOf(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4
}

/**
 * The place in `text` after the characters that are whole in the first `count` bytes of its UTF-8, in UTF-16 units.
 */
export function unitsOfBytes(text: string, count: number): number {
  let unit = 0
  for (let byte = 0; unit < text.length;) {
    const codePoint = text.codePointAt(unit) ?? 0
    byte += bytesOf(codePoint)
    if (byte > count) break
    unit += codePoint > 0xffff ? 2 : 1
  }
  return unit
}
