// Reading this package's own binary form of a byte-level tokenizer; write-compact.ts says what is in it.
import type { BpeParts } from '../byte-bpe.ts'
import { TokenizerError } from '../errors.ts'
import { ConcatenationPairs, ListedPairs } from '../merge/pairs.ts'
import type { Splitter } from '../split/splitter.ts'
import { textOf } from '../text/utf8.ts'
import { Vocabulary } from '../vocabulary.ts'

export const MAGIC = 0x31564241   // 'ABV1'

export interface CompactHeader {
  pattern: string
  /** The scanner of the pattern and the Unicode classes it reads, if it has one. */
  scanner?: string
  classes?: string
  /** Special tokens and their ids. */
  special: [string, number][]
  /** One more than the largest id. */
  size: number
  /** How many merges are listed. */
  merges: number
  /** Whether a piece that is a token is not merged. */
  whole: boolean
}

/** The parts of the tokenizer in a compact file. Throws TokenizerError 'INVALID_FORMAT'. */
export function readCompact(file: Uint8Array, splitterOf: (header: CompactHeader) => Splitter, recover: (vocabulary: Vocabulary) => Int32Array): BpeParts {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (file.length < 8 || view.getUint32(0, true) !== MAGIC) throw broken('its magic')
  let at = 8 + view.getUint32(4, true)
  if (at > file.length) throw broken('its whole header')
  const header: CompactHeader = JSON.parse(textOf(file.subarray(8, at)))
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
  return {
    vocabulary,
    pairs: header.merges === 0 ? new ConcatenationPairs(vocabulary, recover) : new ListedPairs(merges),
    splitter: splitterOf(header),
    specialTokens: header.special,
    wholePieces: header.whole,
  }
}

function broken(what: string): TokenizerError {
  return new TokenizerError('INVALID_FORMAT', `openCompact: the file must have ${what}; write it again with writeCompact`)
}
