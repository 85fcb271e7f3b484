// Kernels of matmul clusters: the contraction and its epilogue. Batch axes that only repeat the second operand become more rows.
import type { Cluster } from './cluster.js'
import { bind, finishBody, touchesOf, type DraftInstruction, type DraftResult, type Touch } from './draft.js'
import { BodyBuilder } from './emit-body.js'
import { draftOperand, type OperandDraft } from './emit-prologue.js'
import type { MatmulKernel } from './kernel.js'
import type { Locations } from './locate.js'
import type { Memory } from './memory.js'
import type { Step } from './plan.js'
import type { Value } from './value.js'
import type { Walk } from './view.js'

interface MatmulDraft {
  readonly batch: readonly number[]
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: OperandDraft
  readonly b: OperandDraft
  /** Over [n]. */
  readonly columnSums: readonly Touch[]
  readonly body: readonly DraftInstruction[]
  readonly results: readonly DraftResult[]
}

export function emitMatmul(cluster: Cluster, locations: Locations, memory: Memory): Step {
  const [value] = [...cluster.members].filter(member => member.operation.kind === 'matmul')
  const rank = value.shape.length
  const builder = new BodyBuilder(cluster, value.shape.map((_, axis) => axis), locations, memory)
  const results: DraftResult[] = []
  for (const member of cluster.members) {
    if (member.operation.kind === 'reduce') continue
    for (const store of memory.storesOf(member)) results.push({ value: builder.member(member), touch: { slot: store.slot, walk: builder.storeWalk(store.walk, member.shape), shape: builder.shape, written: true } })
  }
  const batch = value.shape.slice(0, -2)
  const [m, n] = value.shape.slice(-2)
  const k = value.inputs[0].shape[rank - 1]
  const sums = [...cluster.members].filter(member => member.operation.kind === 'reduce')
  const draft: MatmulDraft = {
    batch,
    m,
    n,
    k,
    a: draftOperand(value.inputs[0], [...batch, m, k], locations, memory),
    b: draftOperand(value.inputs[1], [...batch, k, n], locations, memory),
    columnSums: sums.flatMap(sum => memory.storesOf(sum).map(({ slot, walk }) => sumTouch(sum, slot, walk))),
    body: builder.body,
    results,
  }
  return finish(foldBatch(cluster.summed === 0 ? exchange(draft) : draft), memory, sums.length > 0 ? `${builder.label} sum` : builder.label)
}

/** A store of a sum that has one axis longer than 1. */
function sumTouch(sum: Value, slot: number, { offset, strides, guards }: Walk): Touch {
  const axis = sum.shape.findIndex(n => n > 1)
  return { slot, walk: { offset, strides: [strides[axis]], guards }, shape: [sum.shape[axis]], written: true }
}

/** The transposed product: rows of a become columns of b, of which a kernel can give the sums. */
function exchange(draft: MatmulDraft): MatmulDraft {
  const m = draft.batch.length
  const swap = (list: readonly number[]): number[] => [...list.slice(0, m), list[m + 1], list[m], ...list.slice(m + 2)]
  const turn = (touch: Touch): Touch => ({ ...touch, shape: swap(touch.shape), walk: { ...touch.walk, strides: swap(touch.walk.strides), guards: touch.walk.guards.map(guard => ({ ...guard, axis: swapped(guard.axis) })) } })
  const swapped = (axis: number): number => (axis === m ? m + 1 : axis === m + 1 ? m : axis)
  return {
    ...draft,
    m: draft.n,
    n: draft.m,
    a: mapOperand(draft.b, turn),
    b: mapOperand(draft.a, turn),
    body: mapTouches(draft.body, turn).map(instruction => (instruction.fn === 'index' ? { ...instruction, axis: swapped(instruction.axis) } : instruction)),
    results: draft.results.map(({ value, touch }) => ({ value, touch: turn(touch) })),
  }
}

const mapTouches = (body: readonly DraftInstruction[], change: (touch: Touch) => Touch): DraftInstruction[] =>
  body.map(instruction => ('touch' in instruction ? { ...instruction, touch: change(instruction.touch) } : instruction))

const mapOperand = ({ touch, body }: OperandDraft, change: (touch: Touch) => Touch): OperandDraft => ({ touch: change(touch), body: mapTouches(body, change) })

const operandTouches = ({ touch, body }: OperandDraft): Touch[] => [touch, ...touchesOf(body, [])]

/** Merges the last batch axis with the rows while the second operand does not vary along it and all other walks allow it. */
function foldBatch(draft: MatmulDraft): MatmulDraft {
  const at = draft.batch.length - 1
  if (at < 0 || operandTouches(draft.b).some(({ walk }) => walk.strides[at] !== 0)) return draft
  const size = draft.batch[at]
  const touches = [...operandTouches(draft.a), ...touchesOf(draft.body, draft.results)]
  const fold = (walk: Walk): Walk | null => {
    const [outer, inner] = [walk.strides[at], walk.strides[at + 1]]
    if (size > 1 && draft.m > 1 && outer !== inner * draft.m) return null
    if (walk.guards.some(guard => guard.axis === at || guard.axis === at + 1)) return null
    return { ...walk, strides: [...walk.strides.slice(0, at), draft.m > 1 ? inner : outer, ...walk.strides.slice(at + 2)], guards: walk.guards.map(guard => (guard.axis > at ? { ...guard, axis: guard.axis - 1 } : guard)) }
  }
  if (touches.some(touch => fold(touch.walk) === null) || draft.body.some(instruction => instruction.fn === 'index' && (instruction.axis === at || instruction.axis === at + 1))) return draft
  const refold = (touch: Touch): Touch => ({ ...touch, walk: fold(touch.walk) ?? touch.walk, shape: [...touch.shape.slice(0, at), size * draft.m, ...touch.shape.slice(at + 2)] })
  return foldBatch({
    ...draft,
    batch: draft.batch.slice(0, at),
    m: size * draft.m,
    a: mapOperand(draft.a, refold),
    b: mapOperand(draft.b, touch => ({ ...touch, walk: { ...touch.walk, strides: touch.walk.strides.filter((_, d) => d !== at) }, shape: touch.shape.filter((_, d) => d !== at) })),
    body: draft.body.map(instruction => {
      if (instruction.fn === 'index' && instruction.axis > at) return { ...instruction, axis: instruction.axis - 1 }
      return 'touch' in instruction ? { ...instruction, touch: refold(instruction.touch) } : instruction
    }),
    results: draft.results.map(({ value, touch }) => ({ value, touch: refold(touch) })),
  })
}

function finish({ batch, m, n, k, a, b, columnSums, body, results }: MatmulDraft, memory: Memory, label: string): Step {
  const { bindings, regions, accessOf } = bind([...operandTouches(a), ...operandTouches(b), ...touchesOf(body, results), ...columnSums], memory.slots)
  const kernel: MatmulKernel = {
    kind: 'matmul',
    bindings,
    batch,
    m,
    n,
    k,
    a: accessOf(a.touch),
    b: accessOf(b.touch),
    ...(a.body.length + b.body.length > 0 ? { prologue: { ...(a.body.length > 0 && { a: finishBody(a.body, accessOf) }), ...(b.body.length > 0 && { b: finishBody(b.body, accessOf) }) } } : {}),
    ...(columnSums.length > 0 ? { columnSums: columnSums.map(accessOf) } : {}),
    body: finishBody(body, accessOf),
    results: results.map(({ value, touch }) => ({ value, access: accessOf(touch) })),
  }
  return { kernel, regions, label }
}
