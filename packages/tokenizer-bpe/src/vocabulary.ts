// The tokens of a byte-level vocabulary: id → bytes and bytes → id. It knows nothing of merges or of special tokens.
import { TokenizerError } from './errors.ts'

// h(ab) = h(a) · BASE^|b| + h(b): the hash of a concatenation follows from the hashes of its parts
const BASE = 0x01000193
const ABSENT = 0xffff_ffff

export class Vocabulary {
  /** Bytes of all tokens, one after another. Bytes of id i: `bytes.subarray(starts[i], starts[i] + lengths[i])`. */
  readonly bytes: Uint8Array
  /** The same as words; three bytes past the last token can be read. */
  readonly words: DataView
  readonly starts: Uint32Array
  readonly lengths: Uint32Array
  /** One more than the largest id. */
  readonly size: number
  readonly #hashes: Int32Array
  readonly #slots: Int32Array   // open addressing; id + 1, 0 for empty
  readonly #mask: number
  readonly #longest: number

  /**
   * @param bytes bytes of all tokens
   * @param starts where each id's bytes begin, 0xffffffff for an id that no token has
   * @param lengths how many bytes each id has
   */
  constructor(bytes: Uint8Array, starts: Uint32Array, lengths: Uint32Array) {
    this.bytes = new Uint8Array(bytes.length + 3)
    this.bytes.set(bytes)
    this.words = new DataView(this.bytes.buffer)
    this.starts = starts
    this.lengths = lengths
    this.size = starts.length
    this.#hashes = new Int32Array(this.size)
    let capacity = 64
    while (capacity < this.size * 2) capacity *= 2
    this.#slots = new Int32Array(capacity)
    this.#mask = capacity - 1
    let longest = 0
    for (let id = 0; id < this.size; id++) {
      if (starts[id] === ABSENT) continue
      const length = lengths[id]
      if (length === 0) throw new TokenizerError('INVALID_VOCABULARY', `Vocabulary: a token must have bytes, got none for id ${id}`)
      if (length > longest) longest = length
      this.#insert(id)
    }
    this.#longest = longest
  }

  has(id: number): boolean {
    return id >= 0 && id < this.size && this.starts[id] !== ABSENT
  }

  /** The bytes of a token that is there, not to be written to. */
  bytesOf(id: number): Uint8Array {
    return this.bytes.subarray(this.starts[id], this.starts[id] + this.lengths[id])
  }

  /** The id of the token with the bytes `from`…`to` of `source`, or -1. */
  find(source: Uint8Array, from: number, to: number): number {
    return to - from > this.#longest ? -1 : this.#search(hashOf(source, from, to), source, from, to - from, 0, 0)
  }

  /** The id of the token whose bytes are those of `left` and then those of `right`, or -1. */
  findConcatenation(left: number, right: number): number {
    const { starts, lengths } = this
    if (lengths[left] + lengths[right] > this.#longest) return -1
    const hash = (Math.imul(this.#hashes[left], powerOf(lengths[right])) + this.#hashes[right]) | 0
    return this.#search(hash, this.bytes, starts[left], lengths[left], starts[right], lengths[right])
  }

  /** The id of the token of a hash and the bytes of `source` at two places, or -1. */
  #search(hash: number, source: Uint8Array, from: number, length: number, restFrom: number, restLength: number): number {
    for (let slot = spread(hash); ; slot++) {
      const id = this.#slots[slot & this.#mask] - 1
      if (id < 0) return -1
      if (this.#hashes[id] !== hash || this.lengths[id] !== length + restLength) continue
      const start = this.starts[id]
      let same = 0
      while (same < length && this.bytes[start + same] === source[from + same]) same++
      if (same < length) continue
      same = 0
      while (same < restLength && this.bytes[start + length + same] === source[restFrom + same]) same++
      if (same === restLength) return id
    }
  }

  #insert(id: number): void {
    const start = this.starts[id]
    const length = this.lengths[id]
    const hash = hashOf(this.bytes, start, start + length)
    const other = this.#search(hash, this.bytes, start, length, 0, 0)
    if (other >= 0) throw new TokenizerError('INVALID_VOCABULARY', `Vocabulary: tokens must differ, got the same bytes for ids ${other} and ${id}`)
    this.#hashes[id] = hash
    let slot = spread(hash)
    while (this.#slots[slot & this.#mask] !== 0) slot++
    this.#slots[slot & this.#mask] = id + 1
  }
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0
  for (let at = from; at < to; at++) hash = (Math.imul(hash, BASE) + bytes[at] + 1) | 0
  return hash
}

function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return mixed ^ (mixed >>> 13)
}

const powers: number[] = [1]

function powerOf(exponent: number): number {
  while (powers.length <= exponent) powers.push(Math.imul(powers[powers.length - 1], BASE))
  return powers[exponent]
}

/** The vocabulary whose id `i` has the bytes `tokens[i]`; `undefined` marks an id without a token. */
export function vocabularyOf(tokens: readonly (Uint8Array | undefined)[]): Vocabulary {
  let total = 0
  for (const token of tokens) total += token?.length ?? 0
  const bytes = new Uint8Array(total)
  const starts = new Uint32Array(tokens.length).fill(ABSENT)
  const lengths = new Uint32Array(tokens.length)
  let at = 0
  for (const [id, token] of tokens.entries()) {
    if (token === undefined) continue
    bytes.set(token, at)
    starts[id] = at
    lengths[id] = token.length
    at += token.length
  }
  return new Vocabulary(bytes, starts, lengths)
}
