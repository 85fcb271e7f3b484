// Lays the temporary slots of a plan into one arena: slots that live at the same time do not overlap, the others share memory.
import { bytesPerElement } from '../dtype.js'
import type { SlotShape } from './draft.js'
import type { Slot, Step } from './plan.js'

const ALIGNMENT = 256

interface Placed {
  readonly first: number
  readonly last: number
  readonly offset: number
  readonly bytes: number
}

/** Largest first, each at the lowest offset that is free for as long as it lives. */
export function layArena(slots: readonly (SlotShape & { readonly external: number | null })[], steps: readonly Step[]): { slots: Slot[]; arenaBytes: number } {
  const lives = new Map<number, { first: number; last: number }>()
  steps.forEach((step, i) => {
    for (const { slot } of step.regions) lives.set(slot, { first: lives.get(slot)?.first ?? i, last: i })
  })
  const bytesOf = (slot: number): number => Math.ceil((slots[slot].length * bytesPerElement[slots[slot].dtype]) / ALIGNMENT) * ALIGNMENT
  const order = [...lives.keys()].filter(slot => slots[slot].external === null).sort((a, b) => bytesOf(b) - bytesOf(a) || a - b)
  const placed = new Map<number, Placed>()
  for (const slot of order) {
    const life = lives.get(slot) ?? { first: 0, last: 0 }
    const bytes = bytesOf(slot)
    placed.set(slot, { ...life, bytes, offset: lowestFree([...placed.values()].filter(other => other.first <= life.last && life.first <= other.last), bytes) })
  }
  return {
    slots: slots.map(({ dtype, length, external }, i) => ({ dtype, length, external, arenaOffset: placed.get(i)?.offset ?? 0 })),
    arenaBytes: Math.max(0, ...[...placed.values()].map(({ offset, bytes }) => offset + bytes)),
  }
}

function lowestFree(neighbours: readonly Placed[], bytes: number): number {
  let offset = 0
  for (const other of [...neighbours].sort((a, b) => a.offset - b.offset)) {
    if (offset + bytes <= other.offset) break
    offset = Math.max(offset, other.offset + other.bytes)
  }
  return offset
}
