// The pattern of cl100k_base (GPT-3.5, GPT-4, Llama 3) as a scanner instead of a RegExp, and Qwen's, where each digit is a piece.
import { LETTER, NEWLINE, NUMBER, OTHER } from '../text/unicode-classes.ts'
import { widthOf } from '../text/utf8.ts'
import { contractionAnyCase } from './contraction.ts'
import { classAt, runEnd, spacesOrLines, upToThreeNumbers } from './scan.ts'

/** Qwen's pattern differs for numbers alone. */
export function scanQwen2(bytes: Uint8Array, start: number, end: number): number {
  return (classAt(bytes, start) & NUMBER) !== 0 ? start + widthOf(bytes[start]) : scanCl100k(bytes, start, end)
}

export function scanCl100k(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start]
  if (first === 0x27) {
    const suffix = contractionAnyCase(bytes, start, end)
    if (suffix !== 0) return suffix
  }
  const flags = classAt(bytes, start)
  if ((flags & LETTER) !== 0) return runEnd(bytes, start, end, LETTER)
  if ((flags & NUMBER) !== 0) return upToThreeNumbers(bytes, start, end)

  const second = start + widthOf(first)
  const next = second < end ? classAt(bytes, second) : 0
  if ((flags & NEWLINE) === 0 && (next & LETTER) !== 0) return runEnd(bytes, second, end, LETTER)
  if ((flags & OTHER) !== 0 || (first === 0x20 && (next & OTHER) !== 0)) {
    let at = runEnd(bytes, (flags & OTHER) !== 0 ? start : second, end, OTHER)
    while (at < end && (bytes[at] === 10 || bytes[at] === 13)) at++
    return at
  }
  return spacesOrLines(bytes, start, end)
}
