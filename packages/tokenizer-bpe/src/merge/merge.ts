// Byte pair encoding itself: of all neighbouring pairs, merge the one of the lowest rank, the leftmost first, until none merges.
import { mergeLong } from './merge-long.ts'
import { NEVER, type Pairs } from './pairs.ts'

/** Up to here rescanning all pairs after each merge is faster than keeping them in a heap. */
const SHORT = 96

const ranks = /* @__PURE__ */ new Int32Array(SHORT)

/** Merges `symbols[0…count)` in place and returns how many remain. */
export function merge(symbols: Int32Array, count: number, pairs: Pairs): number {
  return count <= SHORT ? mergeShort(symbols, count, pairs) : mergeLong(symbols, count, pairs)
}

function mergeShort(symbols: Int32Array, length: number, pairs: Pairs): number {
  let count = length
  const { slots } = pairs
  for (let k = 0; k + 1 < count; k++) ranks[k] = slots[pairs.find(symbols[k], symbols[k + 1]) + 2]
  for (;;) {
    let best = NEVER
    let at = 0
    for (let k = 0; k + 1 < count; k++) {
      if (ranks[k] < best) {
        best = ranks[k]
        at = k
      }
    }
    if (best === NEVER) return count
    const merged = slots[pairs.find(symbols[at], symbols[at + 1]) + 3]
    symbols[at] = merged
    count--
    for (let k = at + 1; k < count; k++) {
      symbols[k] = symbols[k + 1]
      ranks[k] = ranks[k + 1]
    }
    if (at > 0) ranks[at - 1] = slots[pairs.find(symbols[at - 1], merged) + 2]
    if (at + 1 < count) ranks[at] = slots[pairs.find(merged, symbols[at + 1]) + 2]
  }
}
