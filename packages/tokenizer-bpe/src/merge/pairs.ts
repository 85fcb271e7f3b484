// Which two neighbouring tokens merge, when, and into what. Two kinds: a list of merges, and tiktoken's rule that two tokens
// merge when their bytes together are a token, the smallest id first.
import type { Vocabulary } from '../vocabulary.ts'

/** The rank of a pair that never merges. */
export const NEVER = 0x7fff_ffff

/** A table of pairs, four numbers to a slot: left id, right id, rank, id of the merged token. */
export interface Pairs {
  readonly slots: Int32Array
  /** Index of the slot of a pair; the slot's rank is NEVER for a pair that never merges. */
  find(left: number, right: number): number
  /** All merges in order: left id, right id, merged id of each. */
  list(): Int32Array
}

function hashOf(left: number, right: number): number {
  const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
  return hash ^ (hash >>> 15)
}

/** Merges given one by one; the rank of a merge is its place in the list. */
export class ListedPairs implements Pairs {
  readonly slots: Int32Array
  readonly #merges: Int32Array
  readonly #mask: number

  /**
   * @param merges left id, right id, merged id of every merge in order
   * @param ranks of the merges, if several share one
   */
  constructor(merges: Int32Array, ranks?: ArrayLike<number>) {
    this.#merges = merges
    let capacity = 16
    while (capacity < (merges.length / 3) * 2) capacity *= 2
    this.#mask = capacity - 1
    // the last slot is the answer for pairs that are not there
    this.slots = new Int32Array((capacity + 1) * 4)
    for (let slot = 0; slot < this.slots.length; slot += 4) {
      this.slots[slot] = -1
      this.slots[slot + 2] = NEVER
    }
    for (let k = 0; k < merges.length; k += 3) {
      let slot = hashOf(merges[k], merges[k + 1]) & this.#mask
      while (this.slots[slot * 4] >= 0 && !(this.slots[slot * 4] === merges[k] && this.slots[slot * 4 + 1] === merges[k + 1])) slot = (slot + 1) & this.#mask
      // of a pair listed twice the later counts, as in Hugging Face's tokenizers
      this.slots.set([merges[k], merges[k + 1], ranks?.[k / 3] ?? k / 3, merges[k + 2]], slot * 4)
    }
  }

  find(left: number, right: number): number {
    const { slots } = this
    for (let slot = hashOf(left, right) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot << 2
      const found = slots[at]
      if (found === left && slots[at + 1] === right) return at
      if (found < 0) return slots.length - 4
    }
  }

  list(): Int32Array {
    return this.#merges
  }
}

/** tiktoken's rule. Pairs are looked up in the vocabulary when first asked for: listing all of them would make loading slow. */
export class ConcatenationPairs implements Pairs {
  readonly slots: Int32Array
  readonly #vocabulary: Vocabulary
  readonly #recover: (vocabulary: Vocabulary) => Int32Array
  readonly #mask: number

  /** @param recover how the merges are found when someone asks for the list: `recoverMerges` */
  constructor(vocabulary: Vocabulary, recover: (vocabulary: Vocabulary) => Int32Array) {
    this.#vocabulary = vocabulary
    this.#recover = recover
    let capacity = 1 << 10
    while (capacity < vocabulary.size && capacity < 1 << 17) capacity *= 2
    this.#mask = capacity - 1
    this.slots = new Int32Array(capacity * 4).fill(-1)
  }

  find(left: number, right: number): number {
    const { slots } = this
    const at = (hashOf(left, right) & this.#mask) << 2
    if (slots[at] === left && slots[at + 1] === right) return at
    const merged = this.#vocabulary.findConcatenation(left, right)
    slots[at] = left
    slots[at + 1] = right
    slots[at + 2] = merged < 0 ? NEVER : merged
    slots[at + 3] = merged
    return at
  }

  list(): Int32Array {
    return this.#recover(this.#vocabulary)
  }
}
