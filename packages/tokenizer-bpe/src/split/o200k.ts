// The pattern of o200k_base (GPT-4o and later), as a scanner instead of a RegExp. A word is upper-case letters and then
// lower-case letters, where letters without case and marks count as both; that is why the two word rules backtrack.
import { CLASS_OF, LETTER, LOWER, MARK, NEWLINE, NUMBER, OTHER, UNCASED, UPPER } from '../text/unicode-classes.ts'
import { codePointAt, widthOf } from '../text/utf8.ts'
import { contractionAnyCase } from './contraction.ts'
import { classAt, runEnd, spacesOrLines, upToThreeNumbers } from './scan.ts'

const U = UPPER | UNCASED | MARK   // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
const W = LOWER | UNCASED | MARK   // [\p{Ll}\p{Lm}\p{Lo}\p{M}]

/** `U*W+` from `at`, and with `orUpper` else `U+W*`; then a contraction. 0 if there is no such word. */
function word(bytes: Uint8Array, at: number, end: number, orUpper: boolean): number {
  let next = at
  let lastW = 0   // end of the last code point that may also be a W
  let flags = 0
  while (next < end) {
    const lead = bytes[next]
    flags = CLASS_OF[lead < 0x80 ? lead : codePointAt(bytes, next)]
    if ((flags & U) === 0) break
    next += widthOf(lead)
    if ((flags & W) !== 0) lastW = next
  }
  if (next < end && (flags & LOWER) !== 0) next = runEnd(bytes, next, end, W)
  else if (lastW !== 0) next = lastW
  else if (!orUpper || next === at) return 0
  if (next < end && bytes[next] === 0x27) {
    const suffix = contractionAnyCase(bytes, next, end)
    if (suffix !== 0) return suffix
  }
  return next
}

export function scanO200k(bytes: Uint8Array, start: number, end: number): number {
  const flags = classAt(bytes, start)
  if ((flags & LETTER) !== 0) return word(bytes, start, end, true)
  if ((flags & NUMBER) !== 0) return upToThreeNumbers(bytes, start, end)

  const first = bytes[start]
  const second = start + widthOf(first)
  const next = second < end ? classAt(bytes, second) : 0
  if ((flags & NEWLINE) === 0) {
    if ((next & (LETTER | MARK)) !== 0) {
      // rule 1 with and without the leading character, before rule 2 with it
      let at = word(bytes, second, end, false)
      if (at === 0 && (flags & MARK) !== 0) at = word(bytes, start, end, false)
      if (at === 0) at = word(bytes, second, end, true)
      if (at !== 0) return at
    }
    if ((flags & MARK) !== 0) return word(bytes, start, end, true)
  }
  if ((flags & OTHER) !== 0 || (first === 0x20 && (next & OTHER) !== 0)) {
    let at = runEnd(bytes, (flags & OTHER) !== 0 ? start : second, end, OTHER)
    while (at < end && (bytes[at] === 10 || bytes[at] === 13 || bytes[at] === 0x2f)) at++
    return at
  }
  return spacesOrLines(bytes, start, end)
}
