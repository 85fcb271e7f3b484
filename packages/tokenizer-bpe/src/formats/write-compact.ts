// This package's own binary form of a byte-level tokenizer: everything in one file, quick to open, smaller than the text forms.
//   'ABV1' · length of the header as u32 · header as JSON · length of each token as varint (0: no token) · bytes of the tokens
//   · left id, right id, merged id of every merge as varints (none under tiktoken's rule)
import type { ByteBpe } from '../byte-bpe.ts'
import { ConcatenationPairs } from '../merge/pairs.ts'
import { UNICODE_CLASS_RUNS } from '../text/unicode-classes.generated.ts'
import { utf8Of } from '../text/utf8.ts'
import { type CompactHeader, MAGIC } from './read-compact.ts'

/** A tokenizer in the compact form. */
export function writeCompact(tokenizer: ByteBpe): Uint8Array {
  const { vocabulary, pairs } = tokenizer
  // under tiktoken's rule the vocabulary says all
  const merges = pairs instanceof ConcatenationPairs ? new Int32Array(0) : pairs.list()
  const header = utf8Of(JSON.stringify(headerOf(tokenizer, merges.length / 3)))
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

function headerOf({ vocabulary, splitter, specialTokens, wholePieces }: ByteBpe, merges: number): CompactHeader {
  const { pattern, scanner } = splitter
  return { pattern, ...scanner === undefined ? {} : { scanner, classes: UNICODE_CLASS_RUNS }, special: [...specialTokens], size: vocabulary.size, merges, whole: wholePieces }
}
