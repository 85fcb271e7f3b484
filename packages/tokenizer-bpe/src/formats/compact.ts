// This package's own binary form of a byte-level tokenizer: everything in one file, quick to open, a third of the text forms.
//   'ABV1' · length of the header as u32 · header as JSON · length of each token as varint (0: no token) · bytes of the tokens
//   · left id, right id, merged id of every merge as varints (none under tiktoken's rule)
import { BpeTokenizer } from '../bpe-tokenizer.ts'
import { TokenizerError } from '../errors.ts'
import { ConcatenationPairs, ListedPairs } from '../merge/pairs.ts'
import { cl100kSplitter, gpt2Splitter, o200kSplitter, qwen2Splitter } from '../split/known.ts'
import type { Splitter } from '../split/splitter.ts'
import { textOf, utf8Of } from '../text/utf8.ts'
import { Vocabulary } from '../vocabulary.ts'

const MAGIC = 0x31564241   // 'ABV1'

/** The splitter of one of the patterns that have scanners. Throws TokenizerError for another: give `splitterOf` instead. */
export function knownSplitterOf(pattern: string): Splitter {
  const known = [gpt2Splitter, cl100kSplitter, o200kSplitter, qwen2Splitter].find((splitter) => splitter.pattern === pattern)
  if (known === undefined) throw new TokenizerError('UNSUPPORTED_PATTERN', `openCompact: the pattern must be a known one, got ${pattern}; pass splitterOf as the second argument`)
  return known
}

/**
 * Opens what `writeCompact` wrote.
 *
 * @param findSplitter how to find the splitter of a pattern: `splitterOf` for any; default the known ones, which keeps a bundle small
 * @throws TokenizerError 'INVALID_FORMAT', 'UNSUPPORTED_PATTERN'
 * @example
 * const tokenizer = openCompact(new Uint8Array(await (await fetch('o200k.abv')).arrayBuffer()))
 */
export function openCompact(file: Uint8Array, findSplitter: (pattern: string) => Splitter = knownSplitterOf): BpeTokenizer {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (file.length < 8 || view.getUint32(0, true) !== MAGIC) throw broken('its magic')
  let at = 8 + view.getUint32(4, true)
  if (at > file.length) throw broken('its whole header')
  const header: { pattern: string; special: [string, number][]; size: number; merges: number; whole: boolean } = JSON.parse(textOf(file.subarray(8, at)))
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = file[at++]
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
    throw broken('all its numbers')
  }
  if (!(header.size <= file.length && header.merges <= file.length)) throw broken('all its tokens')
  const starts = new Uint32Array(header.size)
  const lengths = new Uint32Array(header.size)
  let total = 0
  for (let id = 0; id < header.size; id++) {
    const length = lengths[id] = varint()
    starts[id] = length === 0 ? 0xffff_ffff : total
    total += length
  }
  if (at + total > file.length) throw broken('the bytes of all its tokens')
  const vocabulary = new Vocabulary(file.subarray(at, at + total), starts, lengths)
  at += total
  const merges = new Int32Array(header.merges * 3)
  for (let k = 0; k < merges.length; k++) merges[k] = varint()
  return new BpeTokenizer({
    vocabulary,
    pairs: header.merges === 0 ? new ConcatenationPairs(vocabulary) : new ListedPairs(merges),
    splitter: findSplitter(header.pattern),
    specialTokens: header.special,
    wholePieces: header.whole,
  })
}

/** A tokenizer in the compact form. */
export function writeCompact(tokenizer: BpeTokenizer): Uint8Array {
  const { vocabulary, pairs, splitter, specialTokens, wholePieces } = tokenizer
  // under tiktoken's rule the vocabulary says all
  const merges = pairs instanceof ConcatenationPairs ? new Int32Array(0) : pairs.list()
  const header = utf8Of(JSON.stringify({ pattern: splitter.pattern, special: [...specialTokens], size: vocabulary.size, merges: merges.length / 3, whole: wholePieces }))
  const file = new Uint8Array(8 + header.length + vocabulary.size * 4 + vocabulary.bytes.length + merges.length * 4)
  const view = new DataView(file.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, header.length, true)
  file.set(header, 8)
  let at = 8 + header.length
  const put = (value: number): void => {
    let rest = value
    for (; rest > 127; rest >>>= 7) file[at++] = (rest & 127) | 128
    file[at++] = rest
  }
  for (let id = 0; id < vocabulary.size; id++) put(vocabulary.has(id) ? vocabulary.lengths[id] : 0)
  for (let id = 0; id < vocabulary.size; id++) {
    if (!vocabulary.has(id)) continue
    const bytes = vocabulary.bytesOf(id)
    file.set(bytes, at)
    at += bytes.length
  }
  for (const id of merges) put(id)
  return file.slice(0, at)
}

function broken(what: string): TokenizerError {
  return new TokenizerError('INVALID_FORMAT', `openCompact: the file must have ${what}, got something else; write it again with writeCompact`)
}
