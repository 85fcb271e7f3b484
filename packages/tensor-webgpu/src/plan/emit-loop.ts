// Kernels of loop clusters: maps, reductions, row programs, copies.
import { rowMajorStrides } from '../shape.js'
import type { Cluster } from './cluster.js'
import { bind, finishBody, finishResults, touchesOf, type DraftResult, type LoopDraft } from './draft.js'
import { BodyBuilder } from './emit-body.js'
import type { LoopKernel } from './kernel.js'
import type { Locations } from './locate.js'
import type { Memory } from './memory.js'
import type { Step } from './plan.js'
import { splitLongReduction } from './split-reduction.js'

export function emitLoop(cluster: Cluster, locations: Locations, memory: Memory): Step[] {
  const outer = cluster.shape.map((_, axis) => axis).filter(axis => !cluster.axes.includes(axis))
  const builder = new BodyBuilder(cluster, [...outer, ...cluster.axes], locations, memory)
  const results: DraftResult[] = []
  for (const member of cluster.members) {
    // A copy may run over another shape than its own; a row-major position is the same under both.
    const copy = locations.copied.get(member)
    const shape = copy?.shape ?? member.shape
    for (const store of memory.storesOf(member)) {
      const walk = copy === undefined ? store.walk : { ...store.walk, strides: rowMajorStrides(shape) }
      results.push({ value: builder.member(member), touch: { slot: store.slot, walk: builder.storeWalk(walk, shape), shape: builder.shape, written: true } })
    }
  }
  // whoever needs its values computes them again
  if (results.length === 0) return []
  const { label } = builder
  const draft = { shape: builder.shape, reduced: cluster.axes.length, body: builder.body, results }
  return splitLongReduction(draft, memory).map((loop, i, all) => finishLoop(loop, memory, all.length > 1 ? `${label} (${i + 1} of ${all.length})` : label))
}

export function finishLoop({ shape, reduced, body, results }: LoopDraft, memory: Memory, label: string): Step {
  const { bindings, regions, accessOf } = bind(touchesOf(body, results), memory.slots)
  const kernel: LoopKernel = {
    kind: 'loop',
    bindings,
    shape,
    reduced,
    body: finishBody(body, accessOf),
    results: finishResults(results, accessOf),
  }
  return { kernel, regions, label }
}
