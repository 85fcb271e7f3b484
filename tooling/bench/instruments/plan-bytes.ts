// How many bytes a plan moves at the least: every element that a kernel reads counted once, and every element that it writes, once a kernel.
// Not what caches save between kernels, nor what a kernel that reads a tile twice loses: it is compared with a formula counted the same way.
import type { ObservedAccess, ObservedInstruction, ObservedKernel, ObservedPlan, ObservedStep } from './observed-plan.js'

/** One walk through a binding: how many distinct elements it meets. */
interface Visit {
  readonly access: ObservedAccess
  readonly elements: number
}

/** A kernel's memory traffic; a kernel of two passes has two. */
interface Pass {
  readonly reads: readonly Visit[]
  readonly writes: readonly Visit[]
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

/** Size of an axis inside the guards: outside them nothing is loaded. */
function guardedSize(axis: number, size: number, { guards = [] }: ObservedAccess): number {
  const inside = guards.filter(guard => guard.axis === axis)
  return Math.max(0, Math.min(size, ...inside.map(guard => guard.to)) - Math.max(0, ...inside.map(guard => guard.from)))
}

/** Axes of stride 0 meet the same element again; an access that gathers meets others along the axes its index varies on. */
function visit(access: ObservedAccess, shape: readonly number[], varying: ReadonlySet<number> = new Set()): Visit {
  return { access, elements: product(shape.map((size, axis) => (access.strides[axis] !== 0 || varying.has(axis) ? guardedSize(axis, size, access) : 1))) }
}

function bodyVisits({ body, results }: Extract<ObservedKernel, { kind: 'loop' | 'matmul' }>, shape: readonly number[], reduced: number): Pass {
  const reads: Visit[] = []
  const axesOf: ReadonlySet<number>[] = []
  for (const { fn, args = [], axis, access } of body) {
    const ofArgs = new Set(args.flatMap(arg => [...axesOf[arg]]))
    if (access !== undefined) reads.push(visit(access, shape, ofArgs))
    const own = access === undefined ? [] : shape.map((_, d) => d).filter(d => access.strides[d] !== 0 || access.guards?.some(guard => guard.axis === d))
    const all = fn === 'head' ? shape.keys() : [...ofArgs, ...own, ...(axis === undefined ? [] : [axis])]
    axesOf.push(new Set([...all].filter(d => fn !== 'reduce' || d < shape.length - reduced)))
  }
  return { reads, writes: results.map(({ access }) => visit(access, shape)) }
}

function attentionPasses(kernel: Extract<ObservedKernel, { kind: 'attention' | 'attentionBackward' }>): Pass[] {
  const { batch: B, heads: H, kvHeads, queries: T, keys: S, headSize: D, q, k, v, mask, lse } = kernel
  const [queryShape, keyShape] = [[B, H, T, D], [B, kvHeads, S, D]]
  const rows = (access: ObservedAccess): Visit => ({ access, elements: B * H * T })
  const reads = [visit(q, queryShape), visit(k, keyShape), visit(v, keyShape), ...(mask === null ? [] : [visit(mask, [B, H, T, S])])]
  // keys behind a length that is known when the kernel runs count as read: this is the most
  const lengths = kernel.kind === 'attention' && kernel.lengths !== null ? [visit(kernel.lengths, [B])] : []
  if (kernel.kind === 'attention') return [{ reads: [...reads, ...lengths], writes: [visit(kernel.out, queryShape), rows(lse)] }]
  // dq by rows of queries, dk and dv by rows of keys: each pass reads everything
  const all = [...reads, visit(kernel.dOut, queryShape), rows(lse), rows(kernel.delta)]
  return [
    { reads: all, writes: [visit(kernel.dq, queryShape)] },
    { reads: all, writes: [visit(kernel.dk, keyShape), visit(kernel.dv, keyShape)] },
  ]
}

function passesOf(kernel: ObservedKernel): Pass[] {
  switch (kernel.kind) {
    case 'loop':
      return [bodyVisits(kernel, kernel.shape, kernel.reduced)]
    case 'matmul': {
      const { batch, m, n, k, a, b, columnSums = [], prologue = {} } = kernel
      const operand = (access: ObservedAccess, body: readonly ObservedInstruction[] = [], shape: readonly number[]): Visit[] => [access, ...body.flatMap(instruction => instruction.access ?? [])].map(each => visit(each, shape))
      const { reads, writes } = bodyVisits(kernel, [...batch, m, n], 0)
      return [{ reads: [...operand(a, prologue.a, [...batch, m, k]), ...operand(b, prologue.b, [...batch, k, n]), ...reads], writes: [...writes, ...columnSums.map(access => visit(access, [n]))] }]
    }
    case 'scatterAdd': {
      const { outer, count, inner, size, index, source, out } = kernel
      const from = [outer, count, inner]
      return [{ reads: [visit(index, from), visit(source, from)], writes: [visit(out, [outer, size, inner])] }]
    }
    case 'categorical': {
      const { rows, size, logits, uniform, temperature, topK, topP, index, logProb } = kernel
      return [{ reads: [visit(logits, [rows, size]), ...[uniform, temperature, topK, topP].map(access => visit(access, [rows]))], writes: [visit(index, [rows]), visit(logProb, [rows])] }]
    }
    case 'custom': {
      const whole = ({ binding, offset, shape }: { binding: number; offset: number; shape: readonly number[] }): Visit => ({ access: { binding, offset, strides: [] }, elements: product(shape) })
      return [{ reads: kernel.operands.map(whole), writes: [whole(kernel.out)] }]
    }
    default:
      return attentionPasses(kernel)
  }
}

/** Elements of a binding met by any of the walks: equal walks once, and never more than the binding reaches. */
function bytesOf(visits: readonly Visit[], { kernel, regions }: ObservedStep): number {
  const distinct = new Map(visits.map(found => [JSON.stringify(found.access), found]))
  return kernel.bindings.reduce((sum, { dtype }, binding) => {
    const elements = [...distinct.values()].filter(({ access }) => access.binding === binding).reduce((total, found) => total + found.elements, 0)
    return sum + Math.min(elements, regions[binding].length) * (dtype === 'f16' ? 2 : 4)
  }, 0)
}

export const stepBytes = (step: ObservedStep): number => passesOf(step.kernel).reduce((sum, { reads, writes }) => sum + bytesOf(reads, step) + bytesOf(writes, step), 0)

export const planBytes = (plan: ObservedPlan): number => plan.steps.reduce((sum, step) => sum + stepBytes(step), 0)
