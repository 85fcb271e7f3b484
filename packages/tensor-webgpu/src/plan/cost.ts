// What a kernel costs at the least, counted from its description: the bytes it must move and the arithmetic it must do. Not what a device makes of
// it: caches save reads between kernels, and tiles repeat reads within one.
import { bytesPerElement } from '../dtype.js'
import { sizeOf } from '../shape.js'
import { instructionLevels, loadsOf, type Access, type AttentionBackwardKernel, type AttentionKernel, type AttentionSizes, type Instruction, type Kernel, type Result } from './kernel.js'
import type { Step } from './plan.js'

export interface Cost {
  /** Every element that a kernel reads, once, and every element that it writes; each pass of a kernel of two counts for itself. */
  readonly bytes: number
  /** One for each scalar function of an element, whatever it takes, two for a multiply-add; null for a user's kernel, which nobody can look into. */
  readonly flops: number | null
}

/** One walk through a binding, and how many distinct elements it meets. */
interface Visit {
  readonly access: Access
  readonly elements: number
}

/** Elements that are read or written together: equal walks meet the same ones. */
type Traffic = readonly Visit[]

/** Size of an axis inside the guards: outside them nothing is loaded. */
function guarded({ guards = [] }: Access, axis: number, size: number): number {
  const own = guards.filter(guard => guard.axis === axis)
  return Math.max(0, Math.min(size, ...own.map(guard => guard.to)) - Math.max(0, ...own.map(guard => guard.from)))
}

/** Axes of stride 0 meet the same element again, but where a gathered index varies along them. */
const visit = (access: Access, shape: readonly number[], gathered: ReadonlySet<number> = new Set()): Visit =>
  ({ access, elements: sizeOf(shape.map((size, axis) => (access.strides[axis] !== 0 || gathered.has(axis) ? guarded(access, axis, size) : 1))) })

interface Body {
  readonly body: readonly Instruction[]
  readonly results: readonly Result[]
}

function bodyTraffic({ body, results }: Body, shape: readonly number[], reduced: number): Traffic[] {
  const reads: Visit[] = []
  // the axes along which each instruction's value varies
  const axesOf: ReadonlySet<number>[] = []
  for (const instruction of body) {
    const axes = new Set('args' in instruction ? instruction.args.flatMap(arg => [...axesOf[arg]]) : instruction.fn === 'head' ? shape.keys() : [])
    if ('access' in instruction) {
      const { access } = instruction
      reads.push(visit(access, shape, new Set(axes)))
      shape.forEach((_, axis) => void ((access.strides[axis] !== 0 || access.guards?.some(guard => guard.axis === axis)) && axes.add(axis)))
    }
    if (instruction.fn === 'index') axes.add(instruction.axis)
    axesOf.push(instruction.fn === 'reduce' ? new Set([...axes].filter(axis => axis < shape.length - reduced)) : axes)
  }
  return [reads, results.map(({ access }) => visit(access, shape))]
}

function attentionTraffic(kernel: AttentionKernel | AttentionBackwardKernel): Traffic[] {
  const { batch, heads, kvHeads, queries, keys, headSize, q, k, v, mask, lse } = kernel
  const [queryShape, keyShape] = [[batch, heads, queries, headSize], [batch, kvHeads, keys, headSize]]
  const rows = (access: Access): Visit => ({ access, elements: batch * heads * queries })
  const operands = [visit(q, queryShape), visit(k, keyShape), visit(v, keyShape), ...(mask === null ? [] : [visit(mask, [batch, heads, queries, keys])])]
  // keys behind a length that is known when the kernel runs count as read: this is the most
  if (kernel.kind === 'attention') return [kernel.lengths === null ? operands : [...operands, visit(kernel.lengths, [batch])], [visit(kernel.out, queryShape), rows(lse)]]
  // one pass for dq, one for dk and dv: each reads everything
  const reads = [...operands, visit(kernel.dOut, queryShape), rows(lse), rows(kernel.delta)]
  return [reads, [visit(kernel.dq, queryShape)], reads, [visit(kernel.dk, keyShape), visit(kernel.dv, keyShape)]]
}

function trafficOf(kernel: Kernel): Traffic[] {
  switch (kernel.kind) {
    case 'loop': return bodyTraffic(kernel, kernel.shape, kernel.reduced)
    case 'matmul': {
      const { batch, m, n, k, a, b, columnSums = [], prologue = {} } = kernel
      const aLoads = [a, ...loadsOf(prologue.a)].map(access => visit(access, [...batch, m, k]))
      const bLoads = [b, ...loadsOf(prologue.b)].map(access => visit(access, [...batch, k, n]))
      const [reads, writes] = bodyTraffic(kernel, [...batch, m, n], 0)
      return [[...aLoads, ...bLoads, ...reads], [...writes, ...columnSums.map(access => visit(access, [n]))]]
    }
    case 'scatterAdd': {
      const { outer, count, inner, size, index, source, out } = kernel
      return [[visit(index, [outer, count, inner]), visit(source, [outer, count, inner])], [visit(out, [outer, size, inner])]]
    }
    case 'categorical': {
      const { rows, size, logits, uniform, temperature, topK, topP, index, logProb } = kernel
      return [[visit(logits, [rows, size]), ...[uniform, temperature, topK, topP].map(access => visit(access, [rows]))], [index, logProb].map(access => visit(access, [rows]))]
    }
    case 'custom': {
      const whole = ({ binding, offset, shape }: (typeof kernel)['out']): Visit => ({ access: { binding, offset, strides: [] }, elements: sizeOf(shape) })
      return [kernel.operands.map(whole), [whole(kernel.out)]]
    }
    default: return attentionTraffic(kernel)
  }
}

/** Equal walks count once, and no binding for more than it reaches. */
function trafficBytes(traffic: Traffic, { kernel, regions }: Step): number {
  const distinct = [...new Map(traffic.map(one => [JSON.stringify(one.access), one])).values()]
  return kernel.bindings.reduce((sum, { dtype }, binding) => {
    const met = distinct.filter(({ access }) => access.binding === binding).reduce((total, { elements }) => total + elements, 0)
    return sum + Math.min(met, regions[binding].length) * bytesPerElement[dtype]
  }, 0)
}

/** What moves or holds numbers rather than computing them. */
const idle: ReadonlySet<string> = new Set(['load', 'gather', 'constant', 'index', 'head', 'cast', 'bitcast'])

/** Pairs of a query and a key that may meet by position. */
function visiblePairs({ batch, heads, queries, keys, causal }: AttentionSizes): number {
  if (!causal) return batch * heads * queries * keys
  let pairs = 0
  for (let t = 0; t < queries; t++) pairs += Math.min(keys, Math.max(0, t + keys - queries + 1))
  return batch * heads * pairs
}

function flopsOf(kernel: Kernel): number | null {
  switch (kernel.kind) {
    case 'loop': {
      const levels = instructionLevels(kernel)
      const [elements, rows] = [sizeOf(kernel.shape), sizeOf(kernel.shape.slice(0, kernel.shape.length - kernel.reduced))]
      return kernel.body.reduce((sum, { fn }, i) => sum + (idle.has(fn) ? 0 : fn === 'reduce' || levels[i] === 'element' ? elements : rows), 0)
    }
    case 'matmul': {
      const { batch, m, n, k, body, columnSums, prologue = {} } = kernel
      const arithmetic = (of: readonly Instruction[] = []): number => of.filter(({ fn }) => !idle.has(fn)).length
      const operands = m * k * arithmetic(prologue.a) + k * n * arithmetic(prologue.b)
      return sizeOf(batch) * (m * n * (2 * k + arithmetic(body)) + operands) + (columnSums === undefined ? 0 : k * n)
    }
    // scores and values: two products of headSize multiply-adds a pair
    case 'attention': return visiblePairs(kernel) * 4 * kernel.headSize
    // scores and dp in both passes, and dq, dk, dv: seven products
    case 'attentionBackward': return visiblePairs(kernel) * 14 * kernel.headSize
    case 'scatterAdd': return kernel.outer * kernel.count * kernel.inner
    // weights and their sum; what the search for the cuts takes depends on the options
    case 'categorical': return 4 * kernel.rows * kernel.size
    case 'custom': return null
  }
}

export const stepCost = (step: Step): Cost => ({ bytes: trafficOf(step.kernel).reduce((sum, traffic) => sum + trafficBytes(traffic, step), 0), flops: flopsOf(step.kernel) })
