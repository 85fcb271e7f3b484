// A loop kernel with as few iteration dimensions as possible: axes of size 1 dropped, neighbours that every access walks as one merged.
// Fewer dimensions mean fewer divisions, more vector access, and one shader for shapes that only look different.
import type { Access, Instruction, LoopKernel, Result } from '../../../plan/kernel.js'
import { accessesOf } from '../wgsl/body.js'

interface Body {
  readonly body: readonly Instruction[]
  readonly results: readonly Result[]
}
type AxisMap = (axis: number) => number

export function mapAccess(access: Access, strides: readonly number[], axis: AxisMap): Access {
  const guards = access.guards?.map(guard => ({ ...guard, axis: axis(guard.axis) }))
  return { binding: access.binding, offset: access.offset, strides, ...(guards === undefined || guards.length === 0 ? {} : { guards }) }
}

function mapKernel(kernel: LoopKernel, shape: number[], reduced: number, stridesOf: (access: Access) => number[], axis: AxisMap): LoopKernel {
  return { kind: 'loop', bindings: kernel.bindings, shape, reduced, ...mapBody(kernel, stridesOf, axis) }
}

/** A body over other axes: `stridesOf` gives each access its new strides, `axis` each old axis its new number. */
export function mapBody(kernel: Body, stridesOf: (access: Access) => number[], axis: AxisMap): Body {
  const access = (old: Access): Access => mapAccess(old, stridesOf(old), axis)
  const body = kernel.body.map((instruction): Instruction => {
    if (instruction.fn === 'load' || instruction.fn === 'gather') return { ...instruction, access: access(instruction.access) }
    return instruction.fn === 'index' ? { ...instruction, axis: axis(instruction.axis) } : instruction
  })
  return { body, results: kernel.results.map((result): Result => ({ ...result, access: access(result.access) })) }
}

/** Axes that may not be dropped or merged: their index is a value, or a guard looks at it. */
export const axesInUse = (kernel: Body): Set<number> => new Set([
  ...kernel.body.flatMap(instruction => (instruction.fn === 'index' ? [instruction.axis] : [])),
  ...accessesOf(kernel.body, kernel.results).flatMap(access => (access.guards ?? []).map(guard => guard.axis)),
])

function dropAxis(kernel: LoopKernel, dropped: number): LoopKernel {
  const outer = kernel.shape.length - kernel.reduced
  const shape = kernel.shape.filter((_, axis) => axis !== dropped)
  return mapKernel(kernel, shape, kernel.reduced - (dropped >= outer ? 1 : 0), access => access.strides.filter((_, axis) => axis !== dropped), axis => (axis > dropped ? axis - 1 : axis))
}

function mergeAxis(kernel: LoopKernel, axis: number): LoopKernel {
  const outer = kernel.shape.length - kernel.reduced
  const shape = kernel.shape.flatMap((n, i) => (i === axis ? [n * kernel.shape[axis + 1]] : i === axis + 1 ? [] : [n]))
  return mapKernel(kernel, shape, kernel.reduced - (axis >= outer ? 1 : 0), access => access.strides.filter((_, i) => i !== axis), old => (old > axis ? old - 1 : old))
}

export function simplifyLoop(kernel: LoopKernel): LoopKernel {
  let current = kernel
  for (let axis = current.shape.length - 1; axis >= 0; axis--) {
    // one reduced axis stays, for the reductions to run over
    const onlyReduced = current.reduced === 1 && axis === current.shape.length - 1
    if (current.shape[axis] === 1 && !onlyReduced && !axesInUse(current).has(axis)) current = dropAxis(current, axis)
  }
  for (let axis = current.shape.length - 2; axis >= 0; axis--) {
    const outer = current.shape.length - current.reduced
    const used = axesInUse(current)
    if (axis === outer - 1 || used.has(axis) || used.has(axis + 1)) continue
    const inner = current.shape[axis + 1]
    if (accessesOf(current.body, current.results).every(access => access.strides[axis] === access.strides[axis + 1] * inner)) current = mergeAxis(current, axis)
  }
  return current
}
