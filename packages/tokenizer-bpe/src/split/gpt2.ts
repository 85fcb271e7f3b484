// GPT-2's pattern (r50k_base, p50k_base, and Hugging Face's ByteLevel pre-tokenizer), as a scanner instead of a RegExp.
import { LETTER, NUMBER, OTHER, SPACE } from '../text/unicode-classes.ts'
import { contraction } from './contraction.ts'
import { classAt, runEnd, spaces } from './scan.ts'

export function scanGpt2(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start]
  if (first === 0x27) {
    const suffix = contraction(bytes, start, end)
    if (suffix !== 0) return suffix
  }
  let at = start
  let flags = classAt(bytes, start)
  if (first === 0x20 && start + 1 < end) {
    const next = classAt(bytes, start + 1)
    if ((next & SPACE) === 0) {
      at = start + 1
      flags = next
    }
  }
  if ((flags & SPACE) !== 0) return spaces(bytes, start, end)
  return runEnd(bytes, at, end, (flags & LETTER) !== 0 ? LETTER : (flags & NUMBER) !== 0 ? NUMBER : OTHER)
}
