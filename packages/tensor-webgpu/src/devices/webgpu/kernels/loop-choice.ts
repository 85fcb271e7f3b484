// How a loop kernel is laid over a GPU: along which axis four elements are computed at once, and how many invocations share a row.
import { instructionLevels, type LoopKernel } from '../../../plan/kernel.js'
import { accessMode, resultMode } from '../wgsl/access.js'
import type { GpuFamily, GpuTraits } from '../traits.js'

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

/** How many invocations a kernel is spread over. */
interface LoopSeed {
  /** Rows from which on each has one invocation, if it is short. */
  readonly manyRows: number
  /** Invocations that keep such a device busy. */
  readonly busy: number
  readonly mostLanes: number
  /** Elements, or vec4s, that a lane gets at the least: meeting costs as much as adding so many. */
  readonly shortest: number
  /** Invocations of a workgroup, where rows meet and where they do not. */
  readonly meeting: number
  readonly apart: number
}

// Two cores of 4 to 8 SIMD lanes; a barrier there ends a loop over all invocations of a workgroup.
const software: LoopSeed = { manyRows: 128, busy: 32, mostLanes: 64, shortest: 64, meeting: 32, apart: 64 }
// Memory bounds these kernels: enough invocations to have many loads under way; 64 are two to four whole subgroups on every GPU.
const hardware: LoopSeed = { manyRows: 32768, busy: 65536, mostLanes: 256, shortest: 4, meeting: 256, apart: 64 }

const seeds: Readonly<Record<GpuFamily, LoopSeed>> = {
  llvmpipe: software,
  swiftshader: software,
  apple: hardware,
  nvidia: hardware,
  // waves of 64 on GCN: a workgroup of 64 is one wave, and barriers within it are free
  amd: { ...hardware, mostLanes: 64 },
  // some 800 lanes where integrated
  intel: { ...hardware, busy: 16384 },
  // subgroups of 64 or 128, and workgroup memory that is no faster than a cache
  adreno: { ...hardware, busy: 16384, apart: 128 },
  default: hardware,
}

const seedOf = ({ family, software: isSoftware }: GpuTraits): LoopSeed => (isSoftware && family === 'default' ? software : seeds[family])

/** Invocations that share a row, by the seed table; `rows` and `length` count vec4s where four elements are computed at once. */
function seedLanes(rows: number, length: number, traits: GpuTraits): number {
  const { manyRows, busy, mostLanes, shortest } = seedOf(traits)
  if (rows >= manyRows && length <= 256) return 1
  return Math.min(mostLanes, powerOfTwoBelow(traits.maxInvocations), powerOfTwoBelow(length / shortest), powerOfTwoBelow(busy / Math.max(1, rows)))
}

/** Rows and their lengths once four elements are computed at a time along `vectorAxis`. */
function extent({ shape, reduced }: LoopKernel, vectorAxis: number | null): { rows: number; length: number; alongRows: boolean } {
  const outer = shape.length - reduced
  const alongRows = vectorAxis !== null && vectorAxis < outer
  return { rows: product(shape.slice(0, outer)) / (alongRows ? 4 : 1), length: product(shape.slice(outer)) / (vectorAxis !== null && !alongRows ? 4 : 1), alongRows }
}

function layOut(kernel: LoopKernel, vectorAxis: number | null, lanes: number, traits: GpuTraits): LoopChoice {
  const { rows, alongRows } = extent(kernel, vectorAxis)
  if (lanes <= 1) return { vectorAxis, lanes: 1, rowsPerGroup: mapGroup(kernel, vectorAxis, rows, traits), rowsAdjacent: true }
  const rowsAdjacent = alongRows || !contiguousRows(kernel)
  const meeting = Math.min(seedOf(traits).meeting, traits.maxInvocations)
  return { vectorAxis, lanes, rowsPerGroup: rowsAdjacent ? Math.max(1, Math.min(powerOfTwoBelow(rows), Math.floor(meeting / lanes))) : 1, rowsAdjacent }
}

/** The seed table's choice. */
export function chooseLoop(kernel: LoopKernel, traits: GpuTraits): LoopChoice {
  const vectorAxis = chooseVectorAxis(kernel)
  const { rows, length } = extent(kernel, vectorAxis)
  return layOut(kernel, vectorAxis, kernel.reduced === 0 ? 1 : seedLanes(rows, length, traits), traits)
}

/** Workgroup size of independent invocations; small enough that a software adapter has work for every core. */
function mapGroup(kernel: LoopKernel, vectorAxis: number | null, count: number, traits: GpuTraits): number {
  const most = Math.min(seedOf(traits).apart, traits.maxInvocations)
  // flat maps of all sizes have one shader: see LoopWriter's wholeResult
  if (!traits.software || (kernel.reduced === 0 && kernel.shape.length === 1 && vectorAxis === 0)) return most
  return count >= 512 ? most : count >= 64 ? 16 : 8
}

/** Ways to lay the kernel out that a tuner may try, the seed table's first: other workgroups, and other numbers of lanes. */
export function loopChoices(kernel: LoopKernel, traits: GpuTraits): LoopChoice[] {
  const seed = chooseLoop(kernel, traits)
  const { rows, length } = extent(kernel, seed.vectorAxis)
  const others = kernel.reduced === 0 ? [] : [1, 8, 32, 128].filter(lanes => lanes !== seed.lanes && 2 * lanes <= length && lanes <= Math.min(traits.maxInvocations, seedOf(traits).mostLanes))
  const groups = [seed.rowsPerGroup / 4, seed.rowsPerGroup / 2, seed.rowsPerGroup * 2, seed.rowsPerGroup * 4]
    .filter(rowsPerGroup => rowsPerGroup >= 1 && rowsPerGroup < 2 * rows && rowsPerGroup * seed.lanes <= Math.min(256, traits.maxInvocations))
  return [seed, ...groups.map(rowsPerGroup => ({ ...seed, rowsPerGroup })), ...others.map(lanes => layOut(kernel, seed.vectorAxis, lanes, traits))]
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
