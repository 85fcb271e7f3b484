// Byte pair encoding for pieces of any length: a heap of pairs and a linked list of symbols, n log n instead of n².
import { NEVER, type Pairs } from './pairs.ts'

// a heap key is rank · PLACES + place: smallest rank first, then leftmost; exact in a double for ranks below 2^25
const PLACES = 2 ** 28

class MinHeap {
  #keys: Float64Array
  #size = 0

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity)
  }

  push(key: number): void {
    if (this.#size === this.#keys.length) {
      const larger = new Float64Array(this.#size * 2)
      larger.set(this.#keys)
      this.#keys = larger
    }
    const keys = this.#keys
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (keys[parent] <= key) break
      keys[at] = keys[parent]
      at = parent
    }
    keys[at] = key
  }

  /** Removes and returns the smallest key, -1 when there is none. */
  pop(): number {
    if (this.#size === 0) return -1
    const keys = this.#keys
    const top = keys[0]
    const size = --this.#size
    const key = keys[size]
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && keys[child + 1] < keys[child]) child++
      if (keys[child] >= key) break
      keys[at] = keys[child]
      at = child
    }
    keys[at] = key
    return top
  }
}

/** Merges `symbols[0…count)` in place and returns how many remain. */
export function mergeLong(symbols: Int32Array, count: number, pairs: Pairs): number {
  const { slots } = pairs
  const previous = new Int32Array(count)
  const next = new Int32Array(count)
  const ranks = new Int32Array(count).fill(NEVER)   // of the pair that begins at a place
  const heap = new MinHeap(count)

  const rank = (place: number, left: number, right: number): void => {
    const found = slots[pairs.find(left, right) + 2]
    ranks[place] = found
    if (found !== NEVER) heap.push(found * PLACES + place)
  }

  for (let place = 0; place < count; place++) {
    previous[place] = place - 1
    next[place] = place + 1
    if (place + 1 < count) rank(place, symbols[place], symbols[place + 1])
  }
  for (let key = heap.pop(); key >= 0; key = heap.pop()) {
    const best = Math.floor(key / PLACES)
    const place = key - best * PLACES
    // keys of pairs that are gone stay in the heap: a place whose rank has changed is skipped
    if (ranks[place] !== best) continue
    const right = next[place]
    const after = next[right]
    const merged = slots[pairs.find(symbols[place], symbols[right]) + 3]
    symbols[place] = merged
    ranks[right] = NEVER
    next[place] = after
    if (after < count) {
      previous[after] = place
      rank(place, merged, symbols[after])
    } else ranks[place] = NEVER
    const before = previous[place]
    if (before >= 0) rank(before, symbols[before], merged)
  }

  let kept = 0
  for (let place = 0; place < count; place = next[place]) symbols[kept++] = symbols[place]
  return kept
}
