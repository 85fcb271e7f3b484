// Where temporaries lie: never over one another while both live, within blocks of the given size, in one block as tightly as in several.
import { describe, expect, test } from 'vitest'
import { layArena } from '../../src/plan/arena.js'
import type { SlotShape } from '../../src/plan/draft.js'
import type { Slot, Step } from '../../src/plan/plan.js'
import { RandomStream } from '../../src/random.js'

interface Case {
  readonly slots: readonly (SlotShape & { readonly external: null })[]
  readonly steps: readonly Step[]
}

/** Steps that touch only what arenas look at: which slots are alive. */
function randomCase(seed: number): Case {
  const random = new RandomStream(seed)
  const slots = Array.from({ length: 60 }, () => ({ dtype: 'f32' as const, length: 1 + random.integer(2000), external: null }))
  const kernel: Step['kernel'] = { kind: 'loop', bindings: [], shape: [], reduced: 0, body: [], results: [] }
  const lives = slots.map(() => random.integer(40)).map(first => [first, first + random.integer(12)])
  const steps = Array.from({ length: 52 }, (_, i) => ({ kernel, label: '', regions: lives.flatMap(([first, last], slot) => (first === i || last === i ? [{ slot, offset: 0, length: 1 }] : [])) }))
  return { slots, steps }
}

const sum = (blocks: readonly number[]): number => blocks.reduce((a, b) => a + b, 0)
const endOf = ({ arenaOffset, length }: Slot): number => arenaOffset + 4 * length

/** Pairs of slots that live at one time and share memory. */
function collisions({ steps }: Case, slots: readonly Slot[]): number[][] {
  const at = (slot: number): number[] => steps.flatMap(({ regions }, i) => (regions.some(region => region.slot === slot) ? [i] : []))
  const lives = slots.map((_, slot) => at(slot))
  const both = (a: number, b: number): boolean => Math.min(...lives[a]) <= Math.max(...lives[b]) && Math.min(...lives[b]) <= Math.max(...lives[a])
  return slots.flatMap((slot, a) => slots.flatMap((other, b) => (a < b && both(a, b) && slot.block === other.block && slot.arenaOffset < endOf(other) && other.arenaOffset < endOf(slot) ? [[a, b]] : [])))
}

describe.each(Array.from({ length: 20 }, (_, seed) => seed))('an arena for random lifetimes %i', seed => {
  const given = randomCase(seed)
  const whole = layArena(given.slots, given)

  test('is one block where blocks may grow', () => {
    expect(whole.arenaBlocks).toHaveLength(1)
    expect(collisions(given, whole.slots)).toEqual([])
  })

  test.each([8192, 20480, 40960])('fits blocks of %i bytes, without waste beyond what they round up', limit => {
    const { slots, arenaBlocks } = layArena(given.slots, { ...given, maxBlockBytes: limit })
    expect(collisions(given, slots)).toEqual([])
    for (const slot of slots) expect(endOf(slot)).toBeLessThanOrEqual(arenaBlocks[slot.block])
    for (const bytes of arenaBlocks) expect(bytes).toBeLessThanOrEqual(limit)
    expect(sum(arenaBlocks)).toBeLessThanOrEqual(sum(whole.arenaBlocks) + limit)
  })

  test('is the same where one block is just large enough', () => {
    expect(layArena(given.slots, { ...given, maxBlockBytes: whole.arenaBlocks[0] })).toEqual(whole)
  })
})

test('a slot larger than a block gets one of its own, for the device to refuse', () => {
  const slots = [100, 5000].map(length => ({ dtype: 'f32' as const, length, external: null }))
  const steps: Step[] = [{ kernel: { kind: 'loop', bindings: [], shape: [], reduced: 0, body: [], results: [] }, label: '', regions: [0, 1].map(slot => ({ slot, offset: 0, length: 1 })) }]
  expect(layArena(slots, { steps, maxBlockBytes: 4096 }).arenaBlocks).toEqual([20224, 512])
})
