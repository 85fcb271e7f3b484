// Rewrites a loop kernel into an equal one with fewer dimensions: sizes of 1 dropped, neighbours that every access walks as one merged.
import type { Access, Instruction, LoopKernel, Result } from '../../../plan/kernel.js'

export const accessOf = (instruction: Instruction): Access | null => (instruction.fn === 'load' || instruction.fn === 'gather' ? instruction.access : null)

const mapAccesses = (kernel: LoopKernel, change: (access: Access) => Access): Pick<LoopKernel, 'body' | 'results'> => ({
  body: kernel.body.map((instruction): Instruction => (instruction.fn === 'load' || instruction.fn === 'gather' ? { ...instruction, access: change(instruction.access) } : instruction)),
  results: kernel.results.map((result): Result => ({ ...result, access: change(result.access) })),
})

/** Guards that always hold are dropped; an instruction whose guard never holds is 0. */
function settleGuards(kernel: LoopKernel): LoopKernel {
  const body = kernel.body.map((instruction): Instruction => {
    const access = accessOf(instruction)
    if (access?.guards !== undefined && access.guards.some(({ axis, from, to }) => Math.max(from, 0) >= Math.min(to, kernel.shape[axis])))
      return { fn: 'constant', value: 0, dtype: instruction.dtype }
    return instruction
  })
  const settled = { ...kernel, body }
  return {
    ...settled,
    ...mapAccesses(settled, access => {
      const guards = (access.guards ?? []).filter(({ axis, from, to }) => from > 0 || to < kernel.shape[axis])
      return { binding: access.binding, offset: access.offset, strides: access.strides, ...(guards.length > 0 ? { guards } : {}) }
    }),
  }
}

function dropOnes(kernel: LoopKernel): LoopKernel {
  const kept = kernel.shape.flatMap((size, axis) => (size === 1 ? [] : [axis]))
  if (kept.length === kernel.shape.length) return kernel
  const outer = kernel.shape.length - kernel.reduced
  const mapped = mapAccesses(kernel, access => ({
    ...access,
    strides: kept.map(axis => access.strides[axis]),
    ...(access.guards === undefined ? {} : { guards: access.guards.map(guard => ({ ...guard, axis: kept.indexOf(guard.axis) })) }),
  }))
  const body = mapped.body.map((instruction): Instruction => {
    if (instruction.fn !== 'index') return instruction
    const axis = kept.indexOf(instruction.axis)
    return axis < 0 ? { fn: 'constant', value: 0, dtype: instruction.dtype } : { ...instruction, axis }
  })
  const reduced = kept.filter(axis => axis >= outer).length
  return { ...kernel, ...mapped, shape: kept.map(axis => kernel.shape[axis]), reduced, body: reduced === 0 ? body.map(withoutReduce) : body }
}

/** Reduced over a single element, a value is itself. */
const withoutReduce = (instruction: Instruction): Instruction =>
  instruction.fn === 'reduce' ? { fn: 'cast', args: instruction.args, dtype: instruction.dtype } : instruction

function mergeAt(kernel: LoopKernel, axis: number): LoopKernel {
  const moved = (old: number): number => (old > axis ? old - 1 : old)
  const mapped = mapAccesses(kernel, access => ({
    ...access,
    strides: access.strides.filter((_, d) => d !== axis),
    ...(access.guards === undefined ? {} : { guards: access.guards.map(guard => ({ ...guard, axis: moved(guard.axis) })) }),
  }))
  const body = mapped.body.map((instruction): Instruction => (instruction.fn === 'index' ? { ...instruction, axis: moved(instruction.axis) } : instruction))
  const shape = kernel.shape.flatMap((size, d) => (d === axis ? [] : d === axis + 1 ? [size * kernel.shape[axis]] : [size]))
  const reduced = axis >= kernel.shape.length - kernel.reduced ? kernel.reduced - 1 : kernel.reduced
  return { ...kernel, ...mapped, shape, reduced, body }
}

function mergeable(kernel: LoopKernel, axis: number): boolean {
  const outer = kernel.shape.length - kernel.reduced
  if (axis + 1 === outer || axis + 1 >= kernel.shape.length) return false
  if (kernel.body.some(instruction => instruction.fn === 'index' && (instruction.axis === axis || instruction.axis === axis + 1))) return false
  const accesses = [...kernel.body.flatMap(instruction => accessOf(instruction) ?? []), ...kernel.results.map(result => result.access)]
  return accesses.every(
    ({ strides, guards = [] }) => strides[axis] === strides[axis + 1] * kernel.shape[axis + 1] && guards.every(guard => guard.axis !== axis && guard.axis !== axis + 1),
  )
}

/** Equal accesses become one object: they share an address. */
export function internAccesses(kernel: LoopKernel): LoopKernel {
  const known = new Map<string, Access>()
  const intern = (access: Access): Access => {
    const key = JSON.stringify(access)
    const first = known.get(key) ?? access
    known.set(key, first)
    return first
  }
  return { ...kernel, ...mapAccesses(kernel, intern) }
}

export function simplifyLoop(kernel: LoopKernel): LoopKernel {
  let simple = dropOnes(settleGuards(kernel))
  for (let axis = simple.shape.length - 2; axis >= 0; axis--) if (mergeable(simple, axis)) simple = mergeAt(simple, axis)
  return internAccesses(simple)
}
