// .tiktoken files: a line for each token, its bytes in base64 and its rank, which is its id. And the packed form of the npm
// package `tiktoken`, where a line `! 0 IQ== Ig== …` gives the tokens of consecutive ranks.
import { BpeTokenizer } from '../bpe-tokenizer.ts'
import { type Encoding, type EncodingName, encodingOf } from '../encodings.ts'
import { TokenizerError } from '../errors.ts'
import { ConcatenationPairs } from '../merge/pairs.ts'
import { recoverMerges } from '../merge/recover.ts'
import { utf8Of } from '../text/utf8.ts'
import { Vocabulary } from '../vocabulary.ts'
import { SEXTETS } from './base64.ts'

const NEWLINE = 10, RETURN = 13, BLANK = 32, EXCLAMATION = 33, PAD = 61
const MAX_RANK = 2 ** 24 - 1

/**
 * Opens a vocabulary of ranks with tiktoken's rules.
 *
 * @param ranks content of a `.tiktoken` file, or `bpe_ranks` of a file in npm's `tiktoken/encoders`
 * @param encoding the name of one of OpenAI's encodings, or a pattern and special tokens of your own
 * @throws TokenizerError 'INVALID_FORMAT' with the line, 'INVALID_VOCABULARY'
 * @example
 * const o200k = loadTiktoken(await readFile('o200k_base.tiktoken'), 'o200k_base')
 */
export function loadTiktoken(ranks: string | Uint8Array, encoding: EncodingName | Encoding): BpeTokenizer {
  const vocabulary = new RankReader(typeof ranks === 'string' ? utf8Of(ranks) : ranks).read()
  const { splitter, specialTokens } = typeof encoding === 'string' ? encodingOf(encoding) : encoding
  return new BpeTokenizer({ vocabulary, pairs: new ConcatenationPairs(vocabulary, recoverMerges), splitter, specialTokens, wholePieces: true })
}

class RankReader {
  readonly #source: Uint8Array
  #at = 0
  #line = 1
  readonly #arena: Uint8Array
  #used = 0
  #starts = new Uint32Array(1 << 12).fill(0xffff_ffff)
  #lengths = new Uint32Array(1 << 12)
  #size = 0

  constructor(source: Uint8Array) {
    this.#source = source
    this.#arena = new Uint8Array(Math.ceil(source.length * 0.75) + 3)
  }

  read(): Vocabulary {
    const source = this.#source
    while (this.#at < source.length) {
      const first = source[this.#at]
      if (first === NEWLINE || first === RETURN) {
        if (first === NEWLINE) this.#line++
        this.#at++
      } else if (first === EXCLAMATION) this.#packedLine()
      else {
        const start = this.#used
        this.#token()
        this.#blank()
        this.#place(this.#number(), start)
        if (!this.#atLineEnd()) throw this.#wrong('a token in base64, a space and a rank')
      }
    }
    return new Vocabulary(this.#arena.slice(0, this.#used), this.#starts.slice(0, this.#size), this.#lengths.slice(0, this.#size))
  }

  #packedLine(): void {
    this.#at++
    this.#blank()
    for (let rank = this.#number(); !this.#atLineEnd(); rank++) {
      this.#blank()
      const start = this.#used
      this.#token()
      this.#place(rank, start)
    }
  }

  #token(): void {
    const source = this.#source
    const arena = this.#arena
    let bits = 0
    let value = 0
    let digits = 0
    let at = this.#at
    for (; at < source.length; at++) {
      const sextet = SEXTETS[source[at]]
      if (sextet === 255) break
      value = (value << 6) | sextet
      bits += 6
      digits++
      if (bits >= 8) {
        bits -= 8
        arena[this.#used++] = value >> bits
      }
    }
    while (source[at] === PAD) {
      at++
      digits++
    }
    this.#at = at
    if (digits === 0 || digits % 4 !== 0) throw this.#wrong('a token in base64')
  }

  #number(): number {
    const source = this.#source
    const start = this.#at
    let value = 0
    while (source[this.#at] >= 48 && source[this.#at] <= 57) value = value * 10 + source[this.#at++] - 48
    if (this.#at === start || value > MAX_RANK) throw this.#wrong(`a rank from 0 to ${MAX_RANK}`)
    return value
  }

  #blank(): void {
    if (this.#source[this.#at] !== BLANK) throw this.#wrong('a space')
    this.#at++
  }

  #atLineEnd(): boolean {
    const next = this.#source[this.#at]
    return this.#at >= this.#source.length || next === NEWLINE || next === RETURN
  }

  #place(rank: number, start: number): void {
    if (rank >= this.#starts.length) this.#grow(rank)
    if (this.#lengths[rank] !== 0) throw this.#wrong('ranks that differ')
    this.#starts[rank] = start
    this.#lengths[rank] = this.#used - start
    if (rank >= this.#size) this.#size = rank + 1
  }

  #grow(rank: number): void {
    let capacity = this.#starts.length
    while (capacity <= rank) capacity *= 2
    const starts = new Uint32Array(capacity).fill(0xffff_ffff)
    const lengths = new Uint32Array(capacity)
    starts.set(this.#starts)
    lengths.set(this.#lengths)
    this.#starts = starts
    this.#lengths = lengths
  }

  #wrong(what: string): TokenizerError {
    const shown = new TextDecoder().decode(this.#source.subarray(this.#at, this.#at + 24)).split('\n')[0]
    return new TokenizerError('INVALID_FORMAT', `loadTiktoken: line ${this.#line} must have ${what}, got ${JSON.stringify(shown)}`)
  }
}
