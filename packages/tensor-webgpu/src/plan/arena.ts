// Lays the temporary slots of a plan into an arena: slots that live at the same time do not overlap, the others share memory. The arena is one
// block, or several where one may not grow without bound.
import { bytesPerElement } from '../dtype.js'
import type { SlotShape } from './draft.js'
import type { Preload, Slot, Step } from './plan.js'

const ALIGNMENT = 256

interface Life {
  readonly first: number
  readonly last: number
}

interface Placed extends Life {
  readonly offset: number
  readonly bytes: number
}

/** Memory that slots lie in, one after another or at different times. */
class Block {
  bytes = 0
  readonly #placed: Placed[] = []

  /** The lowest offset that is free for as long as the slot lives. */
  lowestFree({ first, last }: Life, bytes: number): number {
    let offset = 0
    for (const other of this.#placed) {
      if (other.first > last || first > other.last) continue
      if (offset + bytes <= other.offset) break
      offset = Math.max(offset, other.offset + other.bytes)
    }
    return offset
  }

  place(placed: Placed): void {
    const at = this.#placed.findIndex(other => other.offset > placed.offset)
    this.#placed.splice(at < 0 ? this.#placed.length : at, 0, placed)
    this.bytes = Math.max(this.bytes, placed.offset + placed.bytes)
  }
}

/**
 * Largest first, each at the lowest free offset of the block that it makes grow least. A new block begins when a slot would reach beyond
 * `maxBlockBytes` in all others; one that is larger by itself gets a block that is, for the device to refuse.
 */
export function layArena(slots: readonly (SlotShape & { readonly external: number | null })[], { steps, preloads = [], maxBlockBytes = Infinity }: { steps: readonly Step[]; preloads?: readonly Preload[]; maxBlockBytes?: number }): { slots: Slot[]; arenaBlocks: number[] } {
  const lives = new Map(preloads.map(({ slot }): [number, Life] => [slot, { first: 0, last: 0 }]))
  steps.forEach((step, i) => {
    for (const { slot } of step.regions) lives.set(slot, { first: lives.get(slot)?.first ?? i, last: i })
  })
  const bytesOf = (slot: number): number => Math.ceil((slots[slot].length * bytesPerElement[slots[slot].dtype]) / ALIGNMENT) * ALIGNMENT
  const order = [...lives].filter(([slot]) => slots[slot].external === null).sort(([a], [b]) => bytesOf(b) - bytesOf(a) || a - b)
  const blocks: Block[] = []
  const places = new Map<number, { block: number; arenaOffset: number }>()
  for (const [slot, life] of order) {
    const bytes = bytesOf(slot)
    const choices = blocks.map((block, i) => {
      const offset = block.lowestFree(life, bytes)
      return { i, offset, growth: Math.max(0, offset + bytes - block.bytes) }
    })
    const [best = { i: blocks.push(new Block()) - 1, offset: 0 }] = choices.filter(({ offset }) => offset + bytes <= maxBlockBytes).sort((a, b) => a.growth - b.growth || a.i - b.i)
    blocks[best.i].place({ ...life, bytes, offset: best.offset })
    places.set(slot, { block: best.i, arenaOffset: best.offset })
  }
  return {
    slots: slots.map(({ dtype, length, external }, i) => ({ dtype, length, external, ...(places.get(i) ?? { block: 0, arenaOffset: 0 }) })),
    arenaBlocks: blocks.map(({ bytes }) => bytes),
  }
}
