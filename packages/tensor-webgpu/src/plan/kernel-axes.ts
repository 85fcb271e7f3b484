// A kernel seen from outside as accesses along numbered axes: what is needed to bind it anew, or to compute a part of it. Loops number the axes of
// their space; a matmul its batch, m, n, then k; scatterAdd outer, size, inner, then count; attention its batch alone, categorical its rows.
import { bind, type SlotShape, type Touch } from './draft.js'
import { mapLoads, type Access, type Instruction, type Kernel, type Result } from './kernel.js'
import type { Step } from './plan.js'

/** One access: along which axis of the kernel each of its dimensions runs (null: none that can be cut), and over how many elements. */
export interface Visit {
  readonly access: Access
  readonly axes: readonly (number | null)[]
  readonly shape: readonly number[]
  readonly written: boolean
  /** Of a gather or a shifted result: the rows that any index may name. */
  readonly rows: { readonly stride: number; readonly size: number } | null
}

type Change = (visit: Visit) => Access

/** The same kernel with other accesses. */
export function mapAccesses(kernel: Kernel, change: Change): Kernel {
  const at = (access: Access, axes: readonly (number | null)[], shape: readonly number[], written = false): Access => change({ access, axes, shape, written, rows: null })
  const count = (n: number): number[] => Array.from({ length: n }, (_, axis) => axis)
  const bodyOver = (body: readonly Instruction[], shape: readonly number[]): Instruction[] =>
    body.map(instruction => {
      if (instruction.fn === 'load') return { ...instruction, access: at(instruction.access, count(shape.length), shape) }
      if (instruction.fn === 'gather') return { ...instruction, access: change({ access: instruction.access, axes: count(shape.length), shape, written: false, rows: instruction }) }
      return instruction
    })
  const resultsOver = (results: readonly Result[], axes: readonly number[], shape: readonly number[]): Result[] => results.map(result => ({ ...result, access: change({ access: result.access, axes, shape, written: true, rows: result.shift ?? null }) }))
  switch (kernel.kind) {
    case 'loop': {
      const { shape, body, results } = kernel
      return { ...kernel, body: bodyOver(body, shape), results: resultsOver(results, count(shape.length), shape) }
    }
    case 'matmul': {
      const { batch, m, n, k, a, b, prologue, body, results, columnSums } = kernel
      const outer = count(batch.length)
      const [mAxis, nAxis, kAxis] = [0, 1, 2].map(i => batch.length + i)
      const [own, shape] = [[...outer, mAxis, nAxis], [...batch, m, n]]
      const aLoad = (access: Access): Access => at(access, [...outer, mAxis, kAxis], [...batch, m, k])
      const bLoad = (access: Access): Access => at(access, [...outer, kAxis, nAxis], [...batch, k, n])
      return {
        ...kernel,
        a: aLoad(a),
        b: bLoad(b),
        ...(prologue === undefined ? {} : { prologue: { ...(prologue.a && { a: mapLoads(prologue.a, aLoad) }), ...(prologue.b && { b: mapLoads(prologue.b, bLoad) }) } }),
        body: bodyOver(body, shape),
        results: resultsOver(results, own, shape),
        ...(columnSums === undefined ? {} : { columnSums: columnSums.map(access => at(access, [nAxis], [n], true)) }),
      }
    }
    case 'scatterAdd': {
      const { outer, count: sources, inner, size, index, source, out } = kernel
      return { ...kernel, index: at(index, [0, 3, 2], [outer, sources, inner]), source: at(source, [0, 3, 2], [outer, sources, inner]), out: at(out, [0, 1, 2], [outer, size, inner], true) }
    }
    case 'categorical': {
      const { rows, size } = kernel
      const [one, written] = [false, true].map(isWritten => (access: Access): Access => at(access, [0], [rows], isWritten))
      return { ...kernel, logits: at(kernel.logits, [0, null], [rows, size]), uniform: one(kernel.uniform), temperature: one(kernel.temperature), topK: one(kernel.topK), topP: one(kernel.topP), index: written(kernel.index), logProb: written(kernel.logProb) }
    }
    case 'attention':
    case 'attentionBackward':
      return mapAttention(kernel, at)
    default:
      return kernel
  }
}

function mapAttention(kernel: Extract<Kernel, { kind: 'attention' | 'attentionBackward' }>, at: (access: Access, axes: readonly (number | null)[], shape: readonly number[], written?: boolean) => Access): Kernel {
  const { batch: B, heads: H, kvHeads, queries: T, keys: S, headSize: D } = kernel
  const four = (access: Access, shape: readonly number[], written = false): Access => at(access, [0, null, null, null], shape, written)
  const rows = (access: Access, written = false): Access => at(access, [0, null, null], [B, H, T], written)
  const [query, key] = [[B, H, T, D], [B, kvHeads, S, D]]
  const read = { q: four(kernel.q, query), k: four(kernel.k, key), v: four(kernel.v, key), mask: kernel.mask === null ? null : four(kernel.mask, [B, H, T, S]) }
  if (kernel.kind === 'attention') return { ...kernel, ...read, lengths: kernel.lengths === null ? null : at(kernel.lengths, [0], [B]), out: four(kernel.out, query, true), lse: rows(kernel.lse, true) }
  return { ...kernel, ...read, dOut: four(kernel.dOut, query), lse: rows(kernel.lse), delta: rows(kernel.delta), dq: four(kernel.dq, query, true), dk: four(kernel.dk, key, true), dv: four(kernel.dv, key, true) }
}

export function visitsOf(kernel: Kernel): Visit[] {
  const visits: Visit[] = []
  mapAccesses(kernel, visit => {
    visits.push(visit)
    return visit.access
  })
  return visits
}

/** A step whose accesses no longer fill its regions, bound to what they do reach. */
export function rebind({ kernel, regions, label }: Step, slots: readonly SlotShape[]): Step {
  const touches = visitsOf(kernel).map(({ access, shape, written, rows }): Touch => {
    const { slot, offset } = regions[access.binding]
    // a gather reaches every row that its index may name
    const [own, sizes] = rows === null ? [access.strides, shape] : [[...access.strides, rows.stride], [...shape, rows.size]]
    return { slot, walk: { offset: access.offset + offset, strides: own, guards: access.guards ?? [] }, shape: sizes, written }
  })
  const bound = bind(touches, slots)
  let next = 0
  const renamed = mapAccesses(kernel, ({ access }) => {
    const { binding, offset } = bound.accessOf(touches[next++])
    return { ...access, binding, offset }
  })
  return { kernel: { ...renamed, bindings: bound.bindings }, regions: bound.regions, label }
}
