// What a loop kernel's instructions depend on and cost, and from that the axis whose neighbours fill the four SIMD lanes.
import { instructionLevels, type Access, type Instruction, type LoopKernel } from '../../../plan/kernel.js'
import { accessOf } from './simplify.js'

export const argsOf = (instruction: Instruction): readonly number[] => ('args' in instruction ? instruction.args : [])

export interface Analysis {
  readonly kernel: LoopKernel
  /** Number of dimensions that are not reduced. */
  readonly outer: number
  readonly levels: readonly ('element' | 'row')[]
  /** Axes along which each instruction's value varies. */
  readonly axes: readonly ReadonlySet<number>[]
  /** How many passes over the reduced dimensions come before the instruction can be computed (a reduce: including its own). */
  readonly stages: readonly number[]
  readonly lane: number
  readonly cost: number
}

const costs: Partial<Record<Instruction['fn'], number>> = {
  exp: 24, expm1: 30, log: 32, log1p: 45, tanh: 34, sigmoid: 34, geluTanh: 40, geluTanhDerivative: 48, erf: 90, gelu: 90, geluDerivative: 95,
  sin: 60, cos: 60, pow: 140, mod: 20, threefry: 110, gather: 6, div: 4, sqrt: 4, rsqrt: 6, constant: 0,
}
const costOf = (body: readonly Instruction[]): number => body.reduce((sum, { fn }) => sum + (costs[fn] ?? 1), 1)

function axesOf(instruction: Instruction, known: readonly ReadonlySet<number>[], outer: number): Set<number> {
  const axes = new Set(argsOf(instruction).flatMap(arg => [...known[arg]]))
  const access = accessOf(instruction)
  access?.strides.forEach((stride, axis) => stride !== 0 && axes.add(axis))
  access?.guards?.forEach(guard => axes.add(guard.axis))
  if (instruction.fn === 'index') axes.add(instruction.axis)
  return instruction.fn === 'reduce' ? new Set([...axes].filter(axis => axis < outer)) : axes
}

/** Relative time of one vector's access along an axis. */
function accessCost(access: Access, axis: number): number {
  const stride = access.strides[axis]
  const guarded = (access.guards ?? []).some(guard => guard.axis === axis)
  return (stride === 1 ? 1 : stride === 0 ? 0.75 : 5) + (guarded ? 2 : 0)
}

function chooseLane(kernel: LoopKernel): number {
  const accesses = [...kernel.body.flatMap(instruction => accessOf(instruction) ?? []), ...kernel.results.map(result => result.access)]
  const arithmetic = costOf(kernel.body) * 0.5
  const score = (axis: number): number => {
    const size = kernel.shape[axis]
    const used = size / (4 * Math.ceil(size / 4))
    return (accesses.reduce((sum, access) => sum + accessCost(access, axis), 0) + arithmetic) / used
  }
  let best = kernel.shape.length - 1
  for (let axis = best - 1; axis >= 0; axis--) if (score(axis) < score(best) * 0.95) best = axis
  return best
}

export function analyse(kernel: LoopKernel): Analysis {
  const outer = kernel.shape.length - kernel.reduced
  const axes: Set<number>[] = []
  const stages: number[] = []
  for (const instruction of kernel.body) {
    axes.push(axesOf(instruction, axes, outer))
    stages.push(Math.max(0, ...argsOf(instruction).map(arg => stages[arg])) + (instruction.fn === 'reduce' ? 1 : 0))
  }
  return { kernel, outer, levels: instructionLevels(kernel), axes, stages, lane: chooseLane(kernel), cost: costOf(kernel.body) + kernel.results.length }
}

/** `targets` and all they are computed from that `include` accepts, in the order of the body; what `known` are computed from is left out. */
export function closure(kernel: LoopKernel, targets: readonly number[], include: (instruction: number) => boolean, known: ReadonlySet<number> = new Set()): number[] {
  const needed = new Set<number>()
  const visit = (i: number): void => {
    if (needed.has(i) || !include(i)) return
    needed.add(i)
    if (kernel.body[i].fn !== 'reduce' && !known.has(i)) argsOf(kernel.body[i]).forEach(visit)
  }
  targets.forEach(visit)
  return [...needed].sort((a, b) => a - b)
}

/**
 * Reductions in groups that read nothing in common. Merged gradients of many layers are such: in one walk their sums would not fit into registers,
 * nor their streams into what a processor fetches ahead.
 */
export function sharingLoads(kernel: LoopKernel, reductions: readonly number[], levels: Analysis['levels']): number[][] {
  const groups: { readonly members: number[]; readonly loads: Set<Access> }[] = []
  for (const i of reductions) {
    const needed = closure(kernel, argsOf(kernel.body[i]), j => levels[j] === 'element')
    const loads = new Set(needed.flatMap(j => accessOf(kernel.body[j]) ?? []))
    const related = groups.filter(group => [...loads].some(load => group.loads.has(load)))
    for (const group of related) groups.splice(groups.indexOf(group), 1)
    groups.push({ members: [...related.flatMap(group => group.members), i].sort((a, b) => a - b), loads: new Set([...related.flatMap(group => [...group.loads]), ...loads]) })
  }
  return groups.map(group => group.members)
}

/** Arithmetic that takes longer than storing its result and loading it again. */
const WORTH_KEEPING = 20
const LONGEST_KEPT = 32_768

/**
 * Element values that several passes over a row need (a softmax's exponentials): computed in the first of them and kept, if rows are short. The
 * lanes must run along the row, and nothing else.
 */
export function keptBetweenPasses({ kernel, outer, lane, levels, stages }: Analysis): number[] {
  if (kernel.reduced !== 1 || lane !== outer || kernel.shape[lane] > LONGEST_KEPT) return []
  const isElement = (i: number): boolean => levels[i] === 'element'
  const last = Math.max(0, ...stages)
  const passes = Array.from({ length: last }, (_, stage) => kernel.body.flatMap((instruction, i) => (instruction.fn === 'reduce' && stages[i] === stage + 1 ? argsOf(instruction) : [])))
  const needs = [...passes, kernel.results.map(({ value }) => value)].map(targets => closure(kernel, targets, isElement))
  return kernel.body.flatMap(({ fn }, i) => (isElement(i) && (costs[fn] ?? 1) >= WORTH_KEEPING && needs.filter(needed => needed.includes(i)).length > 1 ? [i] : []))
}
