// What becomes of a pasted or dropped text: its characters and where they came from, or the reason why it is not taken.
import type { TextRefusal, TextReport } from '../protocol.ts'
import { LEAST_CHARACTERS, MOST_BYTES } from './limits.ts'

export interface AcceptedText extends TextReport {
  readonly text: string
}

export class RefusedText extends Error {
  override name = 'RefusedText'
  readonly refusal: TextRefusal
  constructor(refusal: TextRefusal) {
    super(`text: it must be readable and of a fitting size, got ${refusal.reason}`)
    this.refusal = refusal
  }
}

const EXCERPT = 700

/** @throws RefusedText */
export function acceptText(text: string, { name, encoding = 'utf-8', cut = false }: { name: string; encoding?: string; cut?: boolean }): AcceptedText {
  const trimmed = text.trim()
  if (trimmed.length === 0) throw new RefusedText({ reason: 'empty' })
  if (looksBinary(text)) throw new RefusedText({ reason: 'binary' })
  const bytes = new TextEncoder().encode(text).length
  if (bytes > MOST_BYTES) throw new RefusedText({ reason: 'large', bytes, most: MOST_BYTES })
  const characters = countCharacters(text)
  if (characters < LEAST_CHARACTERS) throw new RefusedText({ reason: 'short', characters, least: LEAST_CHARACTERS })
  return { text, name, characters, bytes, letters: countLetters(text), encoding, cut, excerpt: excerptOf(text) }
}

/**
 * @param head take the first part of a file that is too large, up to a line's end.
 * @throws RefusedText
 */
export async function readFile(file: File, { head }: { head: boolean }): Promise<AcceptedText> {
  if (file.size === 0) throw new RefusedText({ reason: 'empty' })
  if (file.size > MOST_BYTES && !head) {
    // a look at the beginning: a large film is a film first of all
    decode(new Uint8Array(await slice(file, 2 ** 16)), { cut: true })
    throw new RefusedText({ reason: 'large', bytes: file.size, most: MOST_BYTES })
  }
  const cut = file.size > MOST_BYTES
  const { text, encoding } = decode(new Uint8Array(await slice(file, MOST_BYTES)), { cut })
  return acceptText(cut ? toLastLine(text) : text, { name: file.name, encoding, cut })
}

async function slice(file: File, length: number): Promise<ArrayBuffer> {
  try {
    return await file.slice(0, length).arrayBuffer()
  } catch (error) {
    throw new RefusedText({ reason: 'unreadable', detail: String(error) })
  }
}

/** UTF-8, UTF-16 by its mark, and EUC-KR, in which older Korean files are written. */
function decode(bytes: Uint8Array, { cut }: { cut: boolean }): { text: string; encoding: string } {
  const marked = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null
  if (marked === null && bytes.subarray(0, 2 ** 16).includes(0)) throw new RefusedText({ reason: 'binary' })
  for (const encoding of marked === null ? ['utf-8', 'euc-kr'] : [marked]) {
    const text = tryDecode(bytes, encoding, cut)
    if (text !== null && !looksBinary(text)) return { text, encoding }
  }
  throw new RefusedText({ reason: 'binary' })
}

function tryDecode(bytes: Uint8Array, encoding: string, cut: boolean): string | null {
  try {
    // as a stream, a character cut off at the end is no error
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: cut })
  } catch {
    return null
  }
}

/** Control characters that no text has, more often than a stray one. */
function looksBinary(text: string): boolean {
  const head = text.slice(0, 2 ** 16)
  const strange = head.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f\ufffd]/g)?.length ?? 0
  return head.includes('\u0000') || strange > head.length / 200
}

function countCharacters(text: string): number {
  let surrogates = 0
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) surrogates++
  return text.length - surrogates
}

/** Of the first part: enough to tell scripts apart. */
const countLetters = (text: string): number => new Set(text.slice(0, 2 ** 18).match(/[^\p{ASCII}]/gu)).size

const toLastLine = (text: string): string => text.slice(0, text.lastIndexOf('\n') + 1) || text

function excerptOf(text: string): string {
  const head = text.trimStart().slice(0, EXCERPT)
  if (head.length < EXCERPT) return head
  const space = head.search(/\s\S*$/)
  return space > EXCERPT / 2 ? head.slice(0, space) : [...head].slice(0, -1).join('')
}
