// Rewrites a matrix product into an equal one that the tiles fit better: batches folded into rows, operands swapped.
import { loadsOf, mapLoads, type Access, type Instruction, type MatmulKernel, type Prologue } from '../../../plan/kernel.js'
import { accessOf } from './simplify.js'

const epilogueAccesses = (kernel: MatmulKernel): Access[] => [...kernel.body.flatMap(instruction => accessOf(instruction) ?? []), ...kernel.results.map(({ access }) => access)]

function mapAxes(kernel: MatmulKernel, strides: (access: Access) => number[], axis: (old: number) => number): Pick<MatmulKernel, 'body' | 'results'> {
  const change = (access: Access): Access => ({
    ...access,
    strides: strides(access),
    ...(access.guards === undefined ? {} : { guards: access.guards.map(guard => ({ ...guard, axis: axis(guard.axis) })) }),
  })
  return {
    body: kernel.body.map((instruction): Instruction => {
      if (instruction.fn === 'load' || instruction.fn === 'gather') return { ...instruction, access: change(instruction.access) }
      return instruction.fn === 'index' ? { ...instruction, axis: axis(instruction.axis) } : instruction
    }),
    results: kernel.results.map(({ value, access }) => ({ value, access: change(access) })),
  }
}

function prologueOf(a: readonly Instruction[] | undefined, b: readonly Instruction[] | undefined, change: (access: Access) => Access): { prologue?: Prologue } {
  return a === undefined && b === undefined ? {} : { prologue: { ...(a && { a: mapLoads(a, change) }), ...(b && { b: mapLoads(b, change) }) } }
}

/** Cᵀ = Bᵀ Aᵀ: the same numbers, with rows and columns exchanged. */
function swapOperands(kernel: MatmulKernel): MatmulKernel {
  const rank = kernel.batch.length
  const exchange = (access: Access): Access => ({ ...access, strides: [...access.strides.slice(0, rank), access.strides[rank + 1], access.strides[rank]] })
  const mapped = mapAxes(kernel, access => [...exchange(access).strides], axis => (axis < rank ? axis : axis === rank ? rank + 1 : rank))
  return { ...kernel, ...mapped, m: kernel.n, n: kernel.m, a: exchange(kernel.b), b: exchange(kernel.a), ...prologueOf(kernel.prologue?.b, kernel.prologue?.a, exchange) }
}

/** Whether the last batch axis and the rows can be one axis: B is the same for all of them, and all else walks through evenly. */
function foldable(kernel: MatmulKernel): boolean {
  const last = kernel.batch.length - 1
  if (last < 0 || [kernel.b, ...loadsOf(kernel.prologue?.b)].some(({ strides }) => strides[last] !== 0)) return false
  if (kernel.body.some(instruction => instruction.fn === 'index' && (instruction.axis === last || instruction.axis === last + 1))) return false
  return [kernel.a, ...loadsOf(kernel.prologue?.a), ...epilogueAccesses(kernel)].every(
    ({ strides, guards = [] }) => strides[last] === strides[last + 1] * kernel.m && guards.every(guard => guard.axis !== last && guard.axis !== last + 1),
  )
}

function foldBatch(kernel: MatmulKernel): MatmulKernel {
  const last = kernel.batch.length - 1
  const without = (access: Access): number[] => access.strides.filter((_, axis) => axis !== last)
  const mapped = mapAxes(kernel, without, axis => (axis > last ? axis - 1 : axis))
  const b = { ...kernel.b, strides: without(kernel.b) }
  return { ...kernel, ...mapped, batch: kernel.batch.slice(0, last), m: kernel.m * kernel.batch[last], a: { ...kernel.a, strides: without(kernel.a) }, b, ...prologueOf(kernel.prologue?.a, kernel.prologue?.b, access => ({ ...access, strides: without(access) })) }
}

/** Lanes run along n: better where the results are contiguous, and where there are enough columns to fill a panel. */
function prefersSwap(kernel: MatmulKernel): boolean {
  // the sums are of b's columns
  if (kernel.columnSums !== undefined) return false
  const rank = kernel.batch.length
  const along = (axis: number): number => kernel.results.filter(({ access }) => access.strides[axis] === 1).length
  if (along(rank) !== along(rank + 1)) return along(rank) > along(rank + 1) && kernel.m >= 16
  return kernel.n < 8 && kernel.m >= 16
}

/** Batch axes that share B, as rows. */
export function foldBatches(kernel: MatmulKernel): MatmulKernel {
  let folded = kernel
  while (foldable(folded)) folded = foldBatch(folded)
  return folded
}

export function arrangeMatmul(kernel: MatmulKernel): MatmulKernel {
  const folded = foldBatches(kernel)
  return prefersSwap(folded) ? swapOperands(folded) : folded
}
