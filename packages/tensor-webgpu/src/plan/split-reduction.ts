// A few very long rows leave a device idle: such a reduction becomes two kernels, partial results over chunks first, then their reduction.
import { rowMajorStrides, sizeOf } from '../shape.js'
import type { DraftInstruction, DraftResult, LoopDraft, Touch } from './draft.js'
import type { Memory } from './memory.js'

const FEW_ROWS = 32
const LONG_ROW = 8192
const MOST_PARTS = 1024

type Reduction = Extract<DraftInstruction, { readonly fn: 'reduce' }>

export function splitLongReduction(draft: LoopDraft, memory: Memory): LoopDraft[] {
  const parts = partsOf(draft)
  return parts === null ? [draft] : [...splitAt(draft, parts, memory)]
}

/** How many chunks to cut the first reduced dimension into, or null where cutting is not worth it or not possible. */
function partsOf({ shape, reduced, body, results }: LoopDraft): number | null {
  const outer = shape.length - reduced
  if (reduced === 0 || sizeOf(shape.slice(0, outer)) >= FEW_ROWS || sizeOf(shape.slice(outer)) < LONG_ROW) return null
  const element = elementLevels(body, outer)
  if (results.some(result => element[result.value])) return null
  const behindReduce = body.map(() => false)
  body.forEach((instruction, i) => {
    behindReduce[i] = instruction.fn === 'reduce' || ('args' in instruction && instruction.args.some(arg => behindReduce[arg]))
  })
  if (body.some((_, i) => behindReduce[i] && element[i])) return null
  if (body.some(instruction => (instruction.fn === 'index' && instruction.axis === outer) || ('touch' in instruction && instruction.touch.walk.guards.some(guard => guard.axis === outer)))) return null
  const n = shape[outer]
  for (let parts = Math.min(MOST_PARTS, n); parts > 1; parts--) if (n % parts === 0) return parts
  return null
}

function elementLevels(body: readonly DraftInstruction[], outer: number): boolean[] {
  const levels: boolean[] = []
  for (const instruction of body) {
    const args = 'args' in instruction ? instruction.args : []
    const walk = 'touch' in instruction ? instruction.touch.walk : undefined
    const varies = walk !== undefined && walk.strides.slice(outer).some(stride => stride !== 0)
    levels.push(instruction.fn !== 'reduce' && (varies || (instruction.fn === 'index' && instruction.axis >= outer) || args.some(arg => levels[arg])))
  }
  return levels
}

function* splitAt({ shape, reduced, body, results }: LoopDraft, parts: number, memory: Memory): Generator<LoopDraft> {
  const outer = shape.length - reduced
  const chunk = shape[outer] / parts
  const firstShape = [...shape.slice(0, outer), parts, chunk, ...shape.slice(outer + 1)]
  const partialShape = [...shape.slice(0, outer), parts]
  const reductions = body.flatMap((instruction, i) => (instruction.fn === 'reduce' ? [{ instruction, i }] : []))
  const partials = reductions.map(({ instruction }) => partialTouch(instruction, partialShape, memory))

  const widen = (touch: Touch): Touch => ({ ...touch, shape: widenShape(touch.shape, outer, parts, chunk), walk: { ...touch.walk, strides: widenStrides(touch.walk.strides, outer, chunk), guards: touch.walk.guards.map(guard => (guard.axis > outer ? { ...guard, axis: guard.axis + 1 } : guard)) } })
  const firstBody = body.map(instruction => {
    if (instruction.fn === 'index' && instruction.axis > outer) return { ...instruction, axis: instruction.axis + 1 }
    return 'touch' in instruction ? { ...instruction, touch: widen(instruction.touch) } : instruction
  })
  const firstResults = reductions.map(({ i }, r): DraftResult => ({ value: i, touch: { ...partials[r], shape: firstShape, walk: padWalkTo(partials[r], firstShape.length) } }))
  yield prune({ shape: firstShape, reduced, body: firstBody, results: firstResults })

  const narrow = (touch: Touch): Touch => ({ ...touch, shape: partialShape, walk: { ...touch.walk, strides: [...touch.walk.strides.slice(0, outer), 0] } })
  const secondBody: DraftInstruction[] = []
  const moved = new Map<number, number>()
  body.forEach((instruction, i) => {
    const r = reductions.findIndex(reduction => reduction.i === i)
    if (r >= 0 && instruction.fn === 'reduce') {
      secondBody.push({ fn: 'load', touch: { ...partials[r], written: false }, dtype: partialType(instruction) })
      secondBody.push({ ...instruction, args: [secondBody.length - 1] })
    } else {
      const narrowed = 'touch' in instruction ? { ...instruction, touch: narrow(instruction.touch) } : instruction
      secondBody.push('args' in narrowed ? { ...narrowed, args: narrowed.args.map(arg => moved.get(arg) ?? 0) } : narrowed)
    }
    moved.set(i, secondBody.length - 1)
  })
  yield prune({ shape: partialShape, reduced: 1, body: secondBody, results: results.map(({ value, touch }) => ({ value: moved.get(value) ?? 0, touch: narrow(touch) })) })
}

/** Halves would round what is added up. */
const partialType = ({ dtype }: Reduction): Reduction['dtype'] => (dtype === 'f16' ? 'f32' : dtype)

function partialTouch(reduction: Reduction, shape: readonly number[], memory: Memory): Touch {
  return { slot: memory.addSlot(partialType(reduction), sizeOf(shape)), shape, written: true, walk: { offset: 0, strides: rowMajorStrides(shape), guards: [] } }
}

const padWalkTo = (touch: Touch, rank: number): Touch['walk'] => ({ ...touch.walk, strides: [...touch.walk.strides, ...new Array<number>(rank - touch.walk.strides.length).fill(0)] })

/** A gather's touch has one dimension beyond the iteration: positions count from the front, so it stays last. */
const widenShape = (shape: readonly number[], at: number, parts: number, chunk: number): number[] => [...shape.slice(0, at), parts, chunk, ...shape.slice(at + 1)]
const widenStrides = (strides: readonly number[], at: number, chunk: number): number[] => [...strides.slice(0, at), strides[at] * chunk, strides[at], ...strides.slice(at + 1)]

/** Drops instructions that no result needs: each half keeps its own. */
function prune(draft: LoopDraft): LoopDraft {
  const needed = new Set<number>()
  const visit = (i: number): void => {
    if (needed.has(i)) return
    needed.add(i)
    const instruction = draft.body[i]
    if ('args' in instruction) instruction.args.forEach(visit)
  }
  for (const { value } of draft.results) visit(value)
  const kept = draft.body.map((_, i) => i).filter(i => needed.has(i))
  const place = new Map(kept.map((old, i) => [old, i]))
  const at = (i: number): number => place.get(i) ?? 0
  return {
    ...draft,
    body: kept.map(i => {
      const instruction = draft.body[i]
      return 'args' in instruction ? { ...instruction, args: instruction.args.map(at) } : instruction
    }),
    results: draft.results.map(({ value, touch }) => ({ value: at(value), touch })),
  }
}
