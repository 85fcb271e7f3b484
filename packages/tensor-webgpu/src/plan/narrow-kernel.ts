// The part of a kernel that computes a range of one of its axes. Accesses keep their bindings: `rebind` makes those smaller afterwards.
import type { Access, Kernel, LoopKernel, MatmulKernel } from './kernel.js'
import { mapAccesses, type Visit } from './kernel-axes.js'
import { rewriteBody, type Body } from './rewrite-body.js'

/** Axes that may be cut into ranges which are computed one after the other. */
export function freeAxes(kernel: Kernel): { axis: number; size: number }[] {
  const sizes = sizesOf(kernel)
  return sizes.flatMap((size, axis) => (size > 1 ? [{ axis, size }] : []))
}

function sizesOf(kernel: Kernel): readonly number[] {
  switch (kernel.kind) {
    case 'loop': return kernel.shape.slice(0, kernel.shape.length - kernel.reduced)
    case 'matmul': return [...kernel.batch, kernel.m, kernel.n]
    case 'scatterAdd': return [kernel.outer, kernel.size, kernel.inner]
    case 'categorical': return [kernel.rows]
    case 'custom': return []
    default: return [kernel.batch]
  }
}

export function narrowKernel(kernel: Kernel, axis: number, from: number, to: number): Kernel {
  const moved = mapAccesses(kernel, visit => moveAccess(visit, axis, from, to))
  switch (moved.kind) {
    case 'loop': return { ...moved, shape: moved.shape.map((n, d) => (d === axis ? to - from : n)), ...shiftIndex(moved, axis, from) }
    case 'matmul': return narrowMatmul({ ...moved, ...shiftIndex(moved, axis, from) }, axis - moved.batch.length, axis, to - from)
    case 'scatterAdd': {
      if (axis === 0) return { ...moved, outer: to - from }
      if (axis === 2) return { ...moved, inner: to - from }
      if (axis === 3) return { ...moved, count: to - from, ...(from > 0 ? { continues: true as const } : {}) }
      return { ...moved, size: to - from, part: { first: (moved.part?.first ?? 0) + from, of: moved.part?.of ?? moved.size } }
    }
    case 'categorical': return { ...moved, rows: to - from }
    case 'custom': return moved
    default: return { ...moved, batch: to - from }
  }
}

function narrowMatmul(kernel: MatmulKernel, own: number, axis: number, size: number): MatmulKernel {
  if (own === 0) return { ...kernel, m: size }
  if (own === 1) return { ...kernel, n: size }
  if (own === 2) return { ...kernel, k: size }
  return { ...kernel, batch: kernel.batch.map((n, d) => (d === axis ? size : n)) }
}

function moveAccess({ access, axes }: Visit, axis: number, from: number, to: number): Access {
  const d = axes.indexOf(axis)
  if (d < 0) return access
  const guards = access.guards?.map(guard => (guard.axis === d ? { axis: d, from: Math.max(0, guard.from - from), to: Math.min(to - from, guard.to - from) } : guard))
  return { ...access, offset: access.offset + from * access.strides[d], ...(guards === undefined ? {} : { guards }) }
}

/** Indices along the axis still count from the beginning of the whole. */
function shiftIndex({ body, results }: LoopKernel | MatmulKernel, axis: number, from: number): Body {
  return from === 0 ? { body, results } : rewriteBody({ body, results }, instruction => (instruction.fn === 'index' && instruction.axis === axis ? at => [instruction, { fn: 'constant', value: from, dtype: 'i32' }, { fn: 'add', args: [at, at + 1], dtype: 'i32' }] : null))
}
