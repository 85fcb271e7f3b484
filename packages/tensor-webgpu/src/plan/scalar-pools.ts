// Scalars that lie side by side so that a kernel finds them under one binding. Only where a kernel would bind too many buffers otherwise: kernels
// with pooled scalars know their places, and those of equal layers would no longer be equal.
import type { Bindings } from './bindings.js'
import type { Clusters } from './cluster.js'
import type { Value } from './value.js'

/** Fusion counts a packed tensor once that a kernel reads in several pieces; this many more are usual. */
const PIECES = 2
/** 256 bytes: a region begins at a multiple of that. */
const MOST_SCALARS = 64

/** Sets of scalars of one dtype, each to be one slot. `again` have no memory. */
export function poolScalars(clusters: Clusters, bindings: Bindings, { kept, again, maxBindings }: { kept: ReadonlySet<Value>; again: ReadonlySet<Value>; maxBindings: number }): Value[][] {
  const poolOf = new Map<Value, Set<Value>>()
  for (const { reads, members } of clusters.inOrder()) {
    const stored = [...members].filter(member => !again.has(member) && (kept.has(member) || member.users.some(user => !members.has(user))))
    if (bindings.count(reads, stored, false) + PIECES <= maxBindings) continue
    const scalars = [...reads].filter(value => bindings.isScalar(value) && !again.has(value))
    for (const dtype of new Set(scalars.map(scalar => scalar.dtype))) {
      const together = scalars.filter(scalar => scalar.dtype === dtype)
      const joined = new Set(together.flatMap(scalar => [...(poolOf.get(scalar) ?? [scalar])]))
      if (joined.size > 1 && joined.size <= MOST_SCALARS) for (const scalar of joined) poolOf.set(scalar, joined)
    }
  }
  return [...new Set(poolOf.values())].map(pool => [...pool].sort((a, b) => a.id - b.id))
}
