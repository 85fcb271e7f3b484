// Kernels that reach over more of a tensor than a device can bind at once become several, each over a range of an axis. Where every part needs all
// of it - rows that a gather may pick, the products that a matmul adds up - it is bound in pieces, or added up in parts.
import { bytesPerElement } from '../dtype.js'
import { DeviceError } from '../errors.js'
import { rowMajorStrides, sizeOf } from '../shape.js'
import { instructionLevels, mapLoads, type Access, type Instruction, type Kernel, type LoopKernel, type MatmulKernel, type ReduceFunction, type Result } from './kernel.js'
import { rebind, visitsOf, type Visit } from './kernel-axes.js'
import { freeAxes, narrowKernel } from './narrow-kernel.js'
import type { Region, SlotMaker, Step } from './plan.js'
import { pruneBody, rewriteBody, type Body } from './rewrite-body.js'

/** Regions begin at multiples of 256 bytes. */
const ALIGNMENT = 256

/** The step, or steps that do the same with at most `maxBindingBytes` of a tensor at once. Throws a DeviceError with code 'limit' where there are none. */
export function fitBindings(step: Step, memory: SlotMaker, maxBindingBytes: number): Step[] {
  const bytesOf = ({ slot, length }: Region): number => length * bytesPerElement[memory.slots[slot].dtype]
  const binding = step.regions.findIndex(region => bytesOf(region) > maxBindingBytes)
  if (binding < 0) return [step]
  const parts = new Splitting(step, binding, memory, maxBindingBytes).parts()
  if (parts === null)
    throw new DeviceError(`${step.label}: one kernel may bind at most ${maxBindingBytes} bytes of a tensor on this device, got ${bytesOf(step.regions[binding])}, and this one cannot be split; split the tensor`, 'limit')
  return parts.flatMap(part => fitBindings(part, memory, maxBindingBytes))
}

class Splitting {
  readonly #step: Step
  readonly #visits: readonly Visit[]
  readonly #memory: SlotMaker
  readonly #limit: number
  /** Elements that a region's offset is a multiple of. */
  readonly #unit: number

  constructor(step: Step, binding: number, memory: SlotMaker, maxBindingBytes: number) {
    this.#step = step
    this.#memory = memory
    this.#visits = visitsOf(step.kernel).filter(({ access }) => access.binding === binding)
    const bytes = bytesPerElement[step.kernel.bindings[binding].dtype]
    this.#unit = ALIGNMENT / bytes
    this.#limit = Math.floor(maxBindingBytes / bytes)
  }

  /** null where nothing makes the region smaller. */
  parts(): Step[] | null {
    const { kernel } = this.#step
    if (kernel.kind === 'matmul' && kernel.columnSums !== undefined) return this.#apartFromSums(kernel)
    const ways = [...freeAxes(kernel).map(({ axis, size }) => ({ reach: this.#reach(axis) * (size - 1), split: () => this.#along(axis, size) })), ...this.#contraction(), ...this.#reductions(), ...this.#sources(), ...this.#rows()]
    const [widest] = ways.filter(({ reach }) => reach > 0).sort((a, b) => b.reach - a.reach)
    return widest === undefined ? null : widest.split()
  }

  /** The longest stride along an axis. */
  #reach(axis: number): number {
    return Math.max(0, ...this.#visits.map(({ access, axes }) => Math.abs(access.strides[axes.indexOf(axis)] ?? 0)))
  }

  /** Into ranges of how many to cut `size` places that lie `stride` elements apart: what a region may cover, and less than all. */
  #chunk(size: number, stride: number): number {
    const spans = this.#visits.map(({ access, shape, rows }) => access.strides.reduce((sum, s, d) => sum + Math.abs(s) * (shape[d] - 1), rows === null ? 0 : Math.abs(rows.stride) * (rows.size - 1)))
    const rest = Math.max(...spans) - stride * (size - 1) + this.#unit
    const most = Math.max(1, Math.min(size - 1, Math.floor((this.#limit - rest) / stride) + 1))
    return convenientRange(size, most, this.#unit / gcd(this.#unit, stride))
  }

  #along(axis: number, size: number): Step[] {
    return ranges(size, this.#chunk(size, this.#reach(axis))).map(([from, to], i, all) => this.#part(narrowKernel(this.#step.kernel, axis, from, to), `${i + 1} of ${all.length}`))
  }

  #part(kernel: Kernel, which: string): Step {
    return rebind({ kernel, regions: this.#step.regions, label: `${this.#step.label} (${which})` }, this.#memory.slots)
  }

  /** A matmul over ranges of k adds up. */
  #contraction(): { reach: number; split: () => Step[] }[] {
    const { kernel } = this.#step
    if (kernel.kind !== 'matmul' || kernel.k < 2) return []
    const axis = kernel.batch.length + 2
    return [{ reach: this.#reach(axis) * (kernel.k - 1), split: () => this.#accumulate(kernel, axis, kernel.k, [...kernel.batch, kernel.m, kernel.n]) }]
  }

  /** So does a reduction, if nothing is computed for each element of a row once its result is known. */
  #reductions(): { reach: number; split: () => Step[] }[] {
    const { kernel } = this.#step
    if (kernel.kind !== 'loop' || kernel.reduced === 0 || !isPlainReduction(kernel)) return []
    const outer = kernel.shape.length - kernel.reduced
    return kernel.shape.slice(outer).map((size, d) => ({ reach: this.#reach(outer + d) * (size - 1), split: () => this.#accumulate(kernel, outer + d, size, kernel.shape.map((n, axis) => (axis < outer ? n : 1))) }))
  }

  /** The kernel over ranges of an axis it sums over: all but the last leave what they have so far, over `shape`, in slots of their own. */
  #accumulate(kernel: MatmulKernel | LoopKernel, axis: number, size: number, shape: readonly number[]): Step[] {
    const inner = kernel.kind === 'loop' ? kernel.reduced : 0
    const strides = rowMajorStrides(shape).map((stride, d) => (d < shape.length - inner ? stride : 0))
    const totals = kernel.body.flatMap((instruction, at) => (instruction.fn === 'head' || instruction.fn === 'reduce' ? [{ instruction, at }] : []))
    const kept = totals.map(({ instruction: { dtype } }, i) => ({ binding: { dtype, written: true }, access: { binding: kernel.bindings.length + i, offset: 0, strides }, region: { slot: this.#memory.addSlot(dtype, sizeOf(shape)), offset: 0, length: sizeOf(shape) } }))
    const whole = { ...kernel, bindings: [...kernel.bindings, ...kept.map(({ binding }) => binding)] }
    // what is known of each element is stored by the part that meets it
    const own = kernel.kind === 'loop' ? resultsOfElements(kernel) : []
    const first = { ...whole, ...pruneBody({ body: kernel.body, results: [...own, ...totals.map(({ at }, i) => ({ value: at, access: kept[i].access }))] }) }
    const regions = [...this.#step.regions, ...kept.map(({ region }) => region)]
    const addKept = (part: MatmulKernel | LoopKernel): MatmulKernel | LoopKernel => {
      let next = 0
      return { ...part, ...rewriteBody(part, instruction => (instruction.fn === 'head' || instruction.fn === 'reduce' ? (at, args) => combine(at, instruction, args, kept[next++].access) : null)) }
    }
    return ranges(size, this.#chunk(size, this.#reach(axis))).map(([from, to], i, all) => {
      const part = i === 0 ? first : addKept(i === all.length - 1 ? whole : first)
      return rebind({ kernel: narrowKernel(part, axis, from, to), regions, label: `${this.#step.label} (${i + 1} of ${all.length})` }, this.#memory.slots)
    })
  }

  /** A scatterAdd goes through its sources in order: it may stop, and another go on. */
  #sources(): { reach: number; split: () => Step[] }[] {
    const { kernel } = this.#step
    return kernel.kind === 'scatterAdd' && kernel.count > 1 ? [{ reach: this.#reach(3) * (kernel.count - 1), split: () => this.#along(3, kernel.count) }] : []
  }

  /** Sums of columns as a kernel of their own. */
  #apartFromSums({ columnSums = [], ...kernel }: MatmulKernel): Step[] {
    const turn = (access: Access): Access => ({ ...access, strides: access.strides.slice(-2).reverse() })
    const operand = mapLoads(kernel.prologue?.b ?? [{ fn: 'head', dtype: 'f32' }], turn).map((instruction): Instruction => (instruction.fn === 'head' ? { fn: 'load', access: turn(kernel.b), dtype: 'f32' } : instruction))
    const sum: LoopKernel = {
      kind: 'loop', bindings: kernel.bindings, shape: [kernel.n, kernel.k], reduced: 1,
      body: [...operand, { fn: 'reduce', reduce: 'sum', args: [operand.length - 1], dtype: 'f32' }],
      results: columnSums.map(access => ({ value: operand.length, access: { ...access, strides: [access.strides[0], 0] } })),
    }
    return [kernel, sum].map((part, i) => this.#part(part, i === 0 ? 'product' : 'sums'))
  }

  /** Tables that gathers pick rows from, in as many bindings as it takes. */
  #rows(): { reach: number; split: () => Step[] }[] {
    const { kernel } = this.#step
    if (kernel.kind !== 'loop' && kernel.kind !== 'matmul') return []
    return this.#visits.flatMap(({ access, rows, written }) => (rows === null || written ? [] : [{ reach: Math.abs(rows.stride) * (rows.size - 1), split: () => [this.#part({ ...kernel, ...this.#inPieces(kernel, access) }, 'table in pieces')] }]))
  }

  #inPieces(kernel: LoopKernel | MatmulKernel, table: Access): Body {
    return rewriteBody(kernel, instruction => {
      if (instruction.fn !== 'gather' || instruction.access !== table) return null
      return (at, [row]) => gatherPieces(instruction, at, row, ranges(instruction.size, this.#chunk(instruction.size, Math.abs(instruction.stride))))
    })
  }
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/**
 * At most `most` of `size` places, and a multiple of `unit`, so that ranges begin where regions do: equal ranges, which share one compiled kernel, if
 * there need not be twice as many; else about equal ones that are whole tiles.
 */
function convenientRange(size: number, most: number, unit: number): number {
  for (let count = Math.ceil(size / most); count < (2 * size) / most && count <= size; count++) if (size % count === 0 && (size / count) % unit === 0) return size / count
  const even = Math.ceil(size / Math.ceil(size / most))
  const steps = [64, 32, 16, 8, 4, 2, 1].map(tile => (Math.max(tile, unit) % Math.min(tile, unit) === 0 ? Math.max(tile, unit) : tile * unit))
  const fitting = steps.map(step => Math.ceil(even / step) * step).find(range => range <= most)
  return fitting ?? (most > unit ? most - (most % unit) : most)
}

const ranges = (size: number, chunk: number): [from: number, to: number][] => Array.from({ length: Math.ceil(size / chunk) }, (_, i) => [i * chunk, Math.min(size, (i + 1) * chunk)])

const joined: Record<ReduceFunction, 'add' | 'mul' | 'max' | 'min'> = { sum: 'add', prod: 'mul', max: 'max', min: 'min' }

/** What this part gives, and with it what the parts before have given. */
function combine(at: number, total: Extract<Instruction, { fn: 'head' | 'reduce' }>, args: readonly number[], before: Access): Instruction[] {
  const own = total.fn === 'head' ? total : { ...total, args }
  return [own, { fn: 'load', access: before, dtype: total.dtype }, { fn: total.fn === 'head' ? 'add' : joined[total.reduce], args: [at, at + 1], dtype: total.dtype }]
}

/** Results with a place for each element of a row. */
function resultsOfElements(kernel: LoopKernel): Result[] {
  const levels = instructionLevels(kernel)
  return kernel.results.filter(({ value }) => levels[value] === 'element')
}

/** Are all results known once its rows have been gone through a single time? */
function isPlainReduction(kernel: LoopKernel): boolean {
  const levels = instructionLevels(kernel)
  const behind: boolean[] = []
  for (const instruction of kernel.body) behind.push(instruction.fn === 'reduce' || ('args' in instruction && instruction.args.some(arg => behind[arg])))
  const outer = kernel.shape.length - kernel.reduced
  const once = !behind.some((is, i) => is && levels[i] === 'element') && kernel.body.every(instruction => instruction.fn !== 'reduce' || !instruction.args.some(arg => behind[arg]))
  return once && kernel.results.every(({ value, access }) => levels[value] === 'element' || access.strides.slice(outer).every(stride => stride === 0))
}

/** One gather for each range of rows, and the choice between them; each clamps to its own rows, so the outer ones clamp as the whole did. */
function gatherPieces(gather: Extract<Instruction, { fn: 'gather' }>, at: number, row: number, pieces: readonly [number, number][]): Instruction[] {
  const { access, stride, dtype } = gather
  const written: Instruction[] = []
  const push = (instruction: Instruction): number => at + written.push(instruction) - 1
  pieces.reduce((before, [from, to]) => {
    const start = push({ fn: 'constant', value: from, dtype: 'i32' })
    const own = push({ fn: 'sub', args: [row, start], dtype: 'i32' })
    const picked = push({ ...gather, access: { ...access, offset: access.offset + from * stride }, args: [own], size: to - from })
    if (before < 0) return picked
    const below = push({ fn: 'lt', args: [row, start], dtype: 'bool' })
    return push({ fn: 'where', args: [below, before, picked], dtype })
  }, -1)
  return written
}
