// The tokens of a byte-level vocabulary: id → bytes and bytes → id. It knows nothing of merges or of special tokens.
import { TokenIdError, TokenizerError } from './errors.ts'

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

  /** Builds the vocabulary whose id `i` has the bytes `tokens[i]`; `undefined` marks an id without a token. */
  static of(tokens: readonly (Uint8Array | undefined)[]): Vocabulary {
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

  has(id: number): boolean {
    return id >= 0 && id < this.size && this.starts[id] !== ABSENT
  }

  /** The bytes of a token, not to be written to. Throws TokenIdError. */
  bytesOf(id: number): Uint8Array {
    if (!this.has(id)) throw new TokenIdError('bytesOf', id, this.size)
    return this.bytes.subarray(this.starts[id], this.starts[id] + this.lengths[id])
  }

  /** The id of the token with the bytes `from`…`to` of `source`, or -1. */
  find(source: Uint8Array, from: number, to: number): number {
    const length = to - from
    if (length > this.#longest) return -1
    const hash = hashOf(source, from, to)
    for (let slot = spread(hash) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const id = this.#slots[slot] - 1
      if (id < 0) return -1
      if (this.#hashes[id] === hash && this.lengths[id] === length && this.#same(id, 0, source, from, length)) return id
    }
  }

  /** The id of the token whose bytes are those of `left` and then those of `right`, or -1. */
  findConcatenation(left: number, right: number): number {
    const leftLength = this.lengths[left]
    const rightLength = this.lengths[right]
    const length = leftLength + rightLength
    if (length > this.#longest) return -1
    const hash = (Math.imul(this.#hashes[left], powerOf(rightLength)) + this.#hashes[right]) | 0
    for (let slot = spread(hash) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const id = this.#slots[slot] - 1
      if (id < 0) return -1
      if (
        this.#hashes[id] === hash && this.lengths[id] === length
        && this.#same(id, 0, this.bytes, this.starts[left], leftLength)
        && this.#same(id, leftLength, this.bytes, this.starts[right], rightLength)
      ) return id
    }
  }

  #same(id: number, offset: number, source: Uint8Array, from: number, length: number): boolean {
    const start = this.starts[id] + offset
    for (let k = 0; k < length; k++) if (this.bytes[start + k] !== source[from + k]) return false
    return true
  }

  #insert(id: number): void {
    const start = this.starts[id]
    const length = this.lengths[id]
    const hash = hashOf(this.bytes, start, start + length)
    this.#hashes[id] = hash
    let slot = spread(hash) & this.#mask
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & this.#mask) {
      const other = this.#slots[slot] - 1
      if (this.#hashes[other] === hash && this.lengths[other] === length && this.#same(other, 0, this.bytes, start, length)) {
        throw new TokenizerError('INVALID_VOCABULARY', `Vocabulary: tokens must differ, got the same bytes for ids ${other} and ${id}`)
      }
    }
    this.#slots[slot] = id + 1
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
