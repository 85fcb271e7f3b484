// What the three table-driven scanners share: the shape of a scanner, and the parts of their patterns that are equal.
import { CLASS_OF, NEWLINE, NUMBER, SPACE } from '../text/unicode-classes.ts'
import { codePointAt, widthOf } from '../text/utf8.ts'

/** The end of the piece that starts at `start`, in bytes; `end` is the end of the text. */
export type Scan = (bytes: Uint8Array, start: number, end: number) => number

/** Class flags of the code point at `at`. */
export function classAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]
  return CLASS_OF[lead < 0x80 ? lead : codePointAt(bytes, at)]
}

/** End of the run of code points of the classes `wanted` that starts at `at`. */
export function runEnd(bytes: Uint8Array, at: number, end: number, wanted: number): number {
  while (at < end) {
    const lead = bytes[at]
    if (lead < 0x80) {
      if ((CLASS_OF[lead] & wanted) === 0) return at
      at++
    } else {
      if ((CLASS_OF[codePointAt(bytes, at)] & wanted) === 0) return at
      at += widthOf(lead)
    }
  }
  return at
}

/** `\p{N}{1,3}` from a number at `at`. */
export function upToThreeNumbers(bytes: Uint8Array, at: number, end: number): number {
  let next = at + widthOf(bytes[at])
  for (let count = 1; count < 3 && next < end && (classAt(bytes, next) & NUMBER) !== 0; count++) next += widthOf(bytes[next])
  return next
}

/** `\s+(?!\S)|\s+` from white space at `at`: the last space is left to what follows it. */
export function spaces(bytes: Uint8Array, at: number, end: number): number {
  let last = at
  let next = at
  while (next < end && (classAt(bytes, next) & SPACE) !== 0) {
    last = next
    next += widthOf(bytes[next])
  }
  return next === end || last === at ? next : last
}

/** `\s*[\r\n]+|\s+(?!\S)|\s+` from white space at `at`: a run that holds a newline ends after its last one. */
export function spacesOrLines(bytes: Uint8Array, at: number, end: number): number {
  let lines = 0
  let last = at
  let next = at
  while (next < end) {
    const flags = classAt(bytes, next)
    if ((flags & SPACE) === 0) break
    last = next
    next += widthOf(bytes[next])
    if ((flags & NEWLINE) !== 0) lines = next
  }
  if (lines !== 0) return lines
  return next === end || last === at ? next : last
}
