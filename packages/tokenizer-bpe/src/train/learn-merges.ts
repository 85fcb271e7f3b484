// Training proper: merge the pair that occurs most, update the counts around each place it was, repeat.
import { PairCounts } from './pair-counts.ts'
import { PairQueue, type TieRule } from './pair-queue.ts'
import type { WordCounts } from './word-counts.ts'

export interface LearnOptions {
  /** Id of each byte; -1 for a byte outside the alphabet, which splits a word. */
  byteIds: Int32Array
  /** The id of the first merged token. */
  firstId: number
  /** Learning stops when the next id would be this. */
  vocabSize: number
  /** Pairs that occur less often are not merged. */
  minFrequency: number
  /** The longest token in bytes. */
  maxTokenLength: number
  /** Which of two pairs that occur equally often is merged first. */
  ties: 'hugging-face' | 'first-seen'
  /** Merges that are already there and come first: left id, right id, merged id of each. */
  given?: Int32Array
  onMerge?: (done: number, count: number) => void
}

/** Left id, right id and merged id of every merge, in order. */
export function learnMerges(counts: WordCounts, options: LearnOptions): Int32Array {
  return new Learner(counts, options).run()
}

class Learner {
  readonly #options: LearnOptions
  // words as symbols in one array; a word of length n with k symbols left uses the first k of its n places
  readonly #symbols: Int32Array
  readonly #starts: Uint32Array
  readonly #lengths: Uint32Array
  readonly #times: Float64Array
  readonly #pairs = new PairCounts()
  readonly #queue: PairQueue
  readonly #tokenLengths: number[] = []

  constructor(counts: WordCounts, options: LearnOptions) {
    this.#options = options
    const { byteIds, firstId } = options
    const parts: { symbols: number[]; times: number }[] = []
    let total = 0
    for (const { bytes, count } of counts.entries()) {
      let symbols: number[] = []
      for (let k = 0; k <= bytes.length; k++) {
        const id = k < bytes.length ? byteIds[bytes[k]] : -1
        if (id >= 0) symbols.push(id)
        else {
          if (symbols.length > 1) {
            parts.push({ symbols, times: count })
            total += symbols.length
          }
          symbols = []
        }
      }
    }
    this.#symbols = new Int32Array(total)
    this.#starts = new Uint32Array(parts.length)
    this.#lengths = new Uint32Array(parts.length)
    this.#times = new Float64Array(parts.length)
    let at = 0
    for (const [word, { symbols, times }] of parts.entries()) {
      this.#symbols.set(symbols, at)
      this.#starts[word] = at
      this.#lengths[word] = symbols.length
      this.#times[word] = times
      at += symbols.length
    }
    for (let id = 0; id < firstId; id++) this.#tokenLengths.push(1)
    this.#queue = new PairQueue(this.#tieRule())
  }

  run(): Int32Array {
    const { given = new Int32Array(0), vocabSize, minFrequency, maxTokenLength, onMerge } = this.#options
    const pairs = this.#pairs
    this.#countPairs()
    const merges: number[] = []
    let next = this.#options.firstId
    for (let k = 0; k < given.length; k += 3) {
      merges.push(given[k], given[k + 1], given[k + 2])
      this.#apply(given[k], given[k + 1], given[k + 2])
    }
    for (let pair = 0; pair < pairs.size; pair++) if (pairs.counts[pair] > 0) this.#queue.push(pair, pairs.counts[pair])

    while (next < vocabSize) {
      const top = this.#queue.pop()
      if (top === undefined) break
      const current = pairs.counts[top.pair]
      if (current !== top.count) {
        // counts only fall while a pair waits: it goes back to where it now belongs
        if (current > 0) this.#queue.push(top.pair, current)
        continue
      }
      if (current < 1 || current < minFrequency) break
      const left = pairs.lefts[top.pair]
      const right = pairs.rights[top.pair]
      if (this.#tokenLengths[left] + this.#tokenLengths[right] > maxTokenLength) continue
      const known = pairs.size
      this.#apply(left, right, next)
      merges.push(left, right, next)
      next++
      for (let pair = known; pair < pairs.size; pair++) if (pairs.counts[pair] > 0) this.#queue.push(pair, pairs.counts[pair])
      onMerge?.(merges.length / 3, current)
    }
    return Int32Array.from(merges)
  }

  #tieRule(): TieRule {
    const pairs = this.#pairs
    if (this.#options.ties === 'first-seen') return (a, b) => a < b
    return (a, b) => {
      const left = pairs.lefts[a] - pairs.lefts[b]
      return left !== 0 ? left < 0 : pairs.rights[a] < pairs.rights[b]
    }
  }

  #countPairs(): void {
    const pairs = this.#pairs
    for (let word = 0; word < this.#starts.length; word++) {
      const start = this.#starts[word]
      const last = start + this.#lengths[word] - 1
      for (let at = start; at < last; at++) {
        const pair = pairs.of(this.#symbols[at], this.#symbols[at + 1])
        pairs.counts[pair] += this.#times[word]
        pairs.note(pair, word)
      }
    }
  }

  /** Replaces left, right by `merged` in every word. */
  #apply(left: number, right: number, merged: number): void {
    const pairs = this.#pairs
    const symbols = this.#symbols
    const joined = pairs.of(left, right)
    this.#tokenLengths[merged] = this.#tokenLengths[left] + this.#tokenLengths[right]
    for (const word of pairs.takeWords(joined)) {
      const times = this.#times[word]
      const start = this.#starts[word]
      const end = start + this.#lengths[word]
      let write = start
      for (let read = start; read < end; read++) {
        if (read + 1 === end || symbols[read] !== left || symbols[read + 1] !== right) {
          symbols[write++] = symbols[read]
          continue
        }
        if (write > start) {
          const before = symbols[write - 1]
          pairs.counts[pairs.of(before, left)] -= times
          this.#add(before, merged, times, word)
        }
        if (read + 2 < end) {
          const after = symbols[read + 2]
          pairs.counts[pairs.of(right, after)] -= times
          this.#add(merged, after, times, word)
        }
        symbols[write++] = merged
        read++
      }
      this.#lengths[word] = write - start
    }
    pairs.counts[joined] = 0
  }

  #add(left: number, right: number, times: number, word: number): void {
    const pair = this.#pairs.of(left, right)
    this.#pairs.counts[pair] += times
    this.#pairs.note(pair, word)
  }
}
