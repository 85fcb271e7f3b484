import type { Splitter } from '../src/split/splitter.ts'
import { Utf8Buffer, textOf } from '../src/text/utf8.ts'

/** The pieces of a text. */
export function piecesOf(splitter: Splitter, text: string): string[] {
  const buffer = new Utf8Buffer()
  buffer.write(text)
  const scan = splitter.begin(text)
  const pieces: string[] = []
  for (let start = 0; start < buffer.length;) {
    const end = scan(buffer.bytes, start, buffer.length)
    pieces.push(textOf(buffer.bytes.subarray(start, end)))
    start = end
  }
  return pieces
}
