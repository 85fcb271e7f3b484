// A matmul with as few batch axes as possible: axes of size 1 dropped, neighbours merged, a batch that shares its right operand folded into
// the rows, and the operands exchanged where the results run along m rather than n.
import { loadsOf, mapLoads, type Access, type MatmulKernel, type Prologue } from '../../../plan/kernel.js'
import { accessesOf } from '../wgsl/body.js'
import { axesInUse, mapAccess, mapBody } from './simplify.js'

const without = (strides: readonly number[], axis: number): number[] => strides.filter((_, i) => i !== axis)

/** The prologue after a change of its accesses; `exchanged` where the operands change places. */
function prologueWith({ prologue }: MatmulKernel, change: (access: Access) => Access, exchanged = false): { prologue?: Prologue } {
  if (prologue === undefined) return {}
  const [a, b] = exchanged ? [prologue.b, prologue.a] : [prologue.a, prologue.b]
  return { prologue: { ...(a && { a: mapLoads(a, change) }), ...(b && { b: mapLoads(b, change) }) } }
}

function dropBatch(kernel: MatmulKernel, axis: number): MatmulKernel {
  const renumber = (old: number): number => (old > axis ? old - 1 : old)
  const operand = (access: Access): Access => mapAccess(access, without(access.strides, axis), renumber)
  return { ...kernel, batch: without(kernel.batch, axis), a: operand(kernel.a), b: operand(kernel.b), ...prologueWith(kernel, operand), ...mapBody(kernel, access => without(access.strides, axis), renumber) }
}

const isGuarded = (access: Access): boolean => (access.guards ?? []).length > 0

/** Merges batch axis `axis` into the next one, when every access walks the two as one. */
function mergeBatch(kernel: MatmulKernel, axis: number): MatmulKernel | null {
  const size = kernel.batch[axis + 1]
  const walks = (access: Access): boolean => access.strides[axis] === access.strides[axis + 1] * size
  if (![kernel.a, kernel.b, ...loadsOf(kernel.prologue?.a), ...loadsOf(kernel.prologue?.b), ...accessesOf(kernel.body, kernel.results)].every(walks)) return null
  const merged = dropBatch(kernel, axis)
  return { ...merged, batch: merged.batch.map((n, i) => (i === axis ? n * kernel.batch[axis] : n)) }
}

/** Folds the last batch axis into m, when b is the same for the whole of it. */
function foldIntoRows(kernel: MatmulKernel): MatmulKernel | null {
  const last = kernel.batch.length - 1
  if ([kernel.b, ...loadsOf(kernel.prologue?.b)].some(({ strides }) => strides[last] !== 0)) return null
  if (![kernel.a, ...loadsOf(kernel.prologue?.a), ...accessesOf(kernel.body, kernel.results)].every(access => access.strides[last] === access.strides[last + 1] * kernel.m)) return null
  return { ...dropBatch(kernel, last), m: kernel.m * kernel.batch[last] }
}

function exchange(kernel: MatmulKernel): MatmulKernel {
  const m = kernel.batch.length
  const swap = (strides: readonly number[]): number[] => strides.map((stride, i) => (i === m ? strides[m + 1] : i === m + 1 ? strides[m] : stride))
  const renumber = (axis: number): number => (axis === m ? m + 1 : axis === m + 1 ? m : axis)
  const operand = (access: Access): Access => mapAccess(access, swap(access.strides), renumber)
  return { ...kernel, m: kernel.n, n: kernel.m, a: operand(kernel.b), b: operand(kernel.a), ...prologueWith(kernel, operand, true), ...mapBody(kernel, access => swap(access.strides), renumber) }
}

export function simplifyMatmul(original: MatmulKernel): MatmulKernel {
  let kernel = original
  const used = axesInUse(kernel)
  if (![kernel.a, kernel.b].some(isGuarded) && ![...used].some(axis => axis <= kernel.batch.length)) {
    for (let axis = kernel.batch.length - 1; axis >= 0; axis--) if (kernel.batch[axis] === 1) kernel = dropBatch(kernel, axis)
    for (let axis = kernel.batch.length - 2; axis >= 0; axis--) kernel = mergeBatch(kernel, axis) ?? kernel
    while (kernel.batch.length > 0) {
      const folded = foldIntoRows(kernel)
      if (folded === null) break
      kernel = folded
    }
  }
  const m = kernel.batch.length
  // sums are of b's columns: it stays b
  const alongRows = kernel.columnSums === undefined && kernel.results.every(({ access }) => access.strides[m] === 1 && access.strides[m + 1] !== 1)
  // a column is a row, which the shaders know how to spread over invocations
  return (alongRows || kernel.n === 1) && kernel.m > 1 ? exchange(kernel) : kernel
}
