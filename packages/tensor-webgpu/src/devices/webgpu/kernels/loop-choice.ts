// How a loop kernel is laid over a GPU: along which axis four elements are computed at once, and how many invocations share a row.
import { instructionLevels, type LoopKernel } from '../../../plan/kernel.js'
import { accessMode, resultMode } from '../wgsl/access.js'
import type { GpuTraits } from '../traits.js'

export interface LoopChoice {
  /** Axis of the vec4, or null for one element at a time. */
  readonly vectorAxis: number | null
  /** Invocations that share one row; above 1 they meet in workgroup memory. A power of two. */
  readonly lanes: number
  readonly rowsPerGroup: number
  /** Neighbouring invocations take neighbouring rows (column reductions) rather than neighbouring elements of a row. */
  readonly rowsAdjacent: boolean
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

/** How many accesses an axis would turn into whole-vector ones; negative infinity where results forbid it. */
function vectorScore(kernel: LoopKernel, axis: number): number {
  if (axis < 0 || kernel.shape[axis] % 4 !== 0 || kernel.shape[axis] === 0) return -Infinity
  const outer = kernel.shape.length - kernel.reduced
  const levels = instructionLevels(kernel)
  let score = 0
  for (const result of kernel.results) {
    const mode = resultMode(result, kernel.shape, axis)
    if (axis < outer ? mode !== 'vector' : levels[result.value] === 'element' && mode !== 'vector') return -Infinity
    if (mode === 'vector') score += 2
  }
  for (const instruction of kernel.body) {
    if (instruction.fn !== 'load' && instruction.fn !== 'gather') continue
    const mode = accessMode(instruction.access, kernel.shape, axis)
    score += mode === 'vector' ? 2 : mode === 'scattered' ? -1 : 0
  }
  return score
}

function chooseVectorAxis(kernel: LoopKernel): number | null {
  const outer = kernel.shape.length - kernel.reduced
  const along = vectorScore(kernel, outer - 1)
  const within = kernel.reduced > 0 ? vectorScore(kernel, kernel.shape.length - 1) : -Infinity
  if (Math.max(along, within) <= 0) return kernel.reduced === 0 && along > -Infinity ? outer - 1 : null
  return within >= along ? kernel.shape.length - 1 : outer - 1
}

const powerOfTwoBelow = (n: number): number => 2 ** Math.floor(Math.log2(Math.max(1, n)))

/** Seed values by kind of adapter; a measuring tuner would replace this function. */
export function chooseLoop(kernel: LoopKernel, traits: GpuTraits): LoopChoice {
  const outer = kernel.shape.length - kernel.reduced
  const vectorAxis = chooseVectorAxis(kernel)
  const outerVector = vectorAxis !== null && vectorAxis < outer
  const rows = product(kernel.shape.slice(0, outer)) / (outerVector ? 4 : 1)
  const length = product(kernel.shape.slice(outer)) / (vectorAxis !== null && !outerVector ? 4 : 1)
  // flat maps of all sizes have one shader: see LoopWriter's wholeResult
  const flat = kernel.shape.length === 1 && vectorAxis === 0
  if (kernel.reduced === 0) return { vectorAxis, lanes: 1, rowsPerGroup: flat ? Math.min(64, traits.maxInvocations) : mapGroup(rows, traits), rowsAdjacent: true }
  // invocations that keep the machine busy: a few per SIMD lane of two cores, or thousands
  const wanted = traits.software ? 32 : 8192
  const mostLanes = traits.software ? 64 : Math.min(256, traits.maxInvocations)
  const shortest = traits.software ? 64 : 4
  const lanes = rows >= wanted * 4 && length <= 256 ? 1 : Math.min(mostLanes, powerOfTwoBelow(length / shortest), powerOfTwoBelow(Math.max(1, (wanted * (traits.software ? 1 : 8)) / Math.max(1, rows))))
  const rowsAdjacent = outerVector || !contiguousRows(kernel)
  if (lanes <= 1) return { vectorAxis, lanes: 1, rowsPerGroup: mapGroup(rows, traits), rowsAdjacent: true }
  const perGroup = rowsAdjacent ? Math.min(powerOfTwoBelow(rows), Math.max(1, Math.floor((traits.software ? 32 : 256) / lanes))) : 1
  return { vectorAxis, lanes, rowsPerGroup: Math.max(1, perGroup), rowsAdjacent }
}

/** Workgroup size of independent invocations; small enough that a software adapter has work for every core. */
function mapGroup(count: number, traits: GpuTraits): number {
  if (!traits.software) return Math.min(64, traits.maxInvocations)
  return count >= 512 ? 64 : count >= 64 ? 16 : 8
}

/** Whether neighbouring elements of a row are neighbours in memory, for most loads. */
function contiguousRows(kernel: LoopKernel): boolean {
  const last = kernel.shape.length - 1
  let near = 0
  for (const instruction of kernel.body) {
    if (instruction.fn !== 'load' && instruction.fn !== 'gather') continue
    const along = Math.abs(instruction.access.strides[last])
    const across = last - kernel.reduced >= 0 ? Math.abs(instruction.access.strides[last - kernel.reduced]) : 0
    if (along !== 0) near += along <= across || across === 0 ? 1 : -1
  }
  return near >= 0
}
