// Loop kernels: maps, reductions and row programs as one function that walks a range of units. A unit is a row (lanes run along a reduced
// axis), or a block of neighbouring rows (lanes run across rows). Values that do not change inside a loop are computed before it.
import type { Access, LoopKernel } from '../../../plan/kernel.js'
import { FunctionBuilder, type Local } from '../emit/function-builder.js'
import { i32, minS } from '../emit/scalar.js'
import { v128 } from '../emit/simd.js'
import type { I32 } from '../emit/value.js'
import { analyse, closure, keptBetweenPasses, sharingLoads, type Analysis } from './analysis.js'
import { BodyCode, type Group } from './body.js'
import { BEGIN, END, FRAME, PHASE_PARAMS, SCRATCH, phase, type CompiledKernel, type KernelModule } from './kernel-module.js'
import { overLanes, type LaneRange } from './lane-loop.js'
import { Odometer, Pointers } from './pointers.js'
import { Accumulator } from './reduction.js'
import { accessOf, simplifyLoop } from './simplify.js'

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)
const NOTHING: CompiledKernel = { phases: [], sharedBytes: 0, threadBytes: 0 }
/** Vector instructions' worth of lanes that one unit of a map takes on. */
const BLOCK_COST = 24_000

/** A kernel without axes gets one, so that there is always a lane axis. */
function withAxis(kernel: LoopKernel): LoopKernel {
  if (kernel.shape.length > 0) return kernel
  const widen = (access: Access): Access => ({ ...access, strides: [0] })
  return {
    ...kernel,
    shape: [1],
    body: kernel.body.map(instruction => (instruction.fn === 'load' || instruction.fn === 'gather' ? { ...instruction, access: widen(instruction.access) } : instruction)),
    results: kernel.results.map(result => ({ ...result, access: widen(result.access) })),
  }
}

export function compileLoop(module: KernelModule, kernel: LoopKernel): CompiledKernel {
  const outer = kernel.shape.length - kernel.reduced
  if (kernel.shape.slice(0, outer).includes(0)) return NOTHING
  const simple = withAxis(simplifyLoop(kernel))
  if (simple.reduced === 0 && simple.shape.includes(0)) return NOTHING
  const code = new LoopCode(module, analyse(simple))
  const exported = module.exportName()
  const { units, cost } = code.build(exported)
  return { phases: [phase(exported, units, cost)], sharedBytes: 0, threadBytes: code.threadBytes }
}

class LoopCode {
  readonly #f = new FunctionBuilder(PHASE_PARAMS)
  readonly #module: KernelModule
  readonly #analysis: Analysis
  readonly #rows: Odometer
  readonly #rowStart: Pointers
  readonly #here: Pointers
  readonly #inner: Odometer
  readonly #laneIndex: Local<'i32'>
  readonly #body: BodyCode
  /** Element values kept in scratch from one pass over a row to the next, and those of them that are there already. */
  readonly #kept: readonly number[]
  readonly #present = new Set<number>()

  constructor(module: KernelModule, analysis: Analysis) {
    const { kernel, lane, outer } = analysis
    const f = this.#f
    this.#module = module
    this.#analysis = analysis
    this.#kept = keptBetweenPasses(analysis)
    const accesses = [...kernel.body.flatMap(instruction => accessOf(instruction) ?? []), ...kernel.results.map(result => result.access)]
    const axes = kernel.shape.map((_, axis) => axis)
    this.#rows = new Odometer(f, kernel.shape, axes.filter(axis => axis < outer && axis !== lane))
    this.#inner = new Odometer(f, kernel.shape, axes.filter(axis => axis >= outer && axis !== lane))
    this.#rowStart = new Pointers(f, accesses)
    this.#here = new Pointers(f, accesses)
    this.#laneIndex = f.local('i32')
    this.#body = new BodyCode(f, module, analysis, this.#here, axis =>
      axis === lane ? this.#laneIndex : (this.#rows.counters.get(axis) ?? this.#inner.counters.get(axis) ?? i32.const(0)),
    )
  }

  get threadBytes(): number {
    return this.#kept.length * this.#keptBytes
  }

  /** A row of one kept value, and room for a vector that ends behind it. */
  get #keptBytes(): number {
    return 16 * Math.ceil(this.#analysis.kernel.shape[this.#analysis.lane] / 4)
  }

  get #lanesAcrossRows(): boolean {
    return this.#analysis.lane < this.#analysis.outer
  }

  build(exported: string): { readonly units: number; readonly cost: number } {
    const f = this.#f
    const { kernel, lane, cost, outer } = this.#analysis
    const frame = f.param('i32', FRAME)
    const bases = kernel.bindings.map((_, i) => f.keep(i32.load(frame, 4 * (i + 1))))
    const lanes = kernel.shape[lane]
    const reducedSize = product(kernel.shape.slice(outer))
    const width = this.#lanesAcrossRows ? this.#blockWidth() : lanes
    const blocks = this.#lanesAcrossRows ? Math.ceil(lanes / width) : 1
    // what no index changes is loaded from where every walk begins
    this.#here.seek(bases, new Map())
    this.#hoist((axes, i) => axes.size === 0 && this.#analysis.stages[i] === 0)
    const unit = f.keep(f.param('i32', BEGIN))
    const block = f.keep(i32.remU(unit, i32.const(blocks)))
    this.#rows.seek(i32.divU(unit, i32.const(blocks)))
    this.#rowStart.seek(bases, this.#rows.counters)
    f.repeat(
      () => {
        this.#unit(block, width, lanes)
        f.set(unit, i32.add(unit, i32.const(1)))
        f.set(block, i32.add(block, i32.const(1)))
        f.if(i32.eq(block, i32.const(blocks)), () => {
          f.set(block, i32.const(0))
          this.#rows.next(this.#rowStart)
        })
      },
      () => i32.ltU(unit, f.param('i32', END)),
    )
    this.#module.builder.add(f, { exported })
    return { units: this.#rows.size * blocks, cost: (Math.min(width, lanes) / 4) * cost * (this.#lanesAcrossRows ? reducedSize : reducedSize / Math.max(lanes, 1)) + 20 }
  }

  /** Lanes of a unit when they run across rows: one group for reductions, else as much as is worth handing out. */
  #blockWidth(): number {
    const { kernel, cost, lane } = this.#analysis
    if (kernel.reduced > 0) return 4 * Math.max(4, this.#vectors)
    return Math.min(kernel.shape[lane], Math.max(64, Math.ceil(BLOCK_COST / cost / 16) * 64))
  }

  /** Whole vectors computed together: more for short arithmetic, where loop overhead counts and chains of additions must overlap. */
  get #vectors(): number {
    const { kernel, cost } = this.#analysis
    if (this.#isWide) return 8
    if (kernel.reduced > 0) return cost < 120 ? 4 : 2
    return cost <= 10 ? 4 : cost <= 24 ? 2 : 1
  }

  /** Simple sums over rows are bound by memory, which likes two cache lines of a row at a time. */
  get #isWide(): boolean {
    const { kernel, lane, cost } = this.#analysis
    const reductions = kernel.body.filter(({ fn }) => fn === 'reduce').length
    return this.#lanesAcrossRows && reductions > 0 && cost <= 8 * reductions && kernel.shape[lane] >= 128 && kernel.shape[lane] % 32 === 0
  }

  /** Computes now every instruction whose axes satisfy `when`, at the current pointers. */
  #hoist(when: (axes: ReadonlySet<number>, instruction: number) => boolean): void {
    const { kernel, axes } = this.#analysis
    const ready = kernel.body.flatMap((instruction, i) => (instruction.fn !== 'reduce' && when(axes[i], i) ? [i] : []))
    this.#body.emit(ready, { vectors: 1, tail: 0 })
  }

  #unit(block: I32, width: number, lanes: number): void {
    const f = this.#f
    const { lane, axes, stages, levels } = this.#analysis
    f.set(this.#laneIndex, this.#lanesAcrossRows ? i32.mul(block, i32.const(width)) : i32.const(0))
    this.#here.copyFrom(this.#rowStart, lane, this.#laneIndex)
    this.#body.within(() => {
      this.#hoist((on, i) => !on.has(lane) && stages[i] === 0 && levels[i] === 'row' && axes[i].size > 0)
      if (!this.#lanesAcrossRows) {
        this.#rowProgram({ vectors: 1, tail: 0 })
        return
      }
      const left = f.keep(width >= lanes ? i32.const(lanes) : minS(i32.const(width), i32.sub(i32.const(lanes), this.#laneIndex)))
      const moving = new Set(this.#here.accesses())
      this.#overLanes({ left, most: Math.min(width, lanes), tail: lanes % 4, moving }, group => this.#rowProgram(group))
    })
  }

  #overLanes(range: LaneRange, body: (group: Group) => void): void {
    const loop = { f: this.#f, body: this.#body, pointers: this.#here, axis: this.#analysis.lane, index: this.#laneIndex, vectors: this.#vectors }
    overLanes(loop, range, body)
  }

  /** All passes over the reduced axes for one row, or for one group of rows. */
  #rowProgram(group: Group): void {
    const { kernel, levels, stages, outer } = this.#analysis
    const reductions = kernel.body.flatMap((instruction, i) => (instruction.fn === 'reduce' ? [i] : []))
    const last = Math.max(0, ...reductions.map(i => stages[i]))
    this.#present.clear()
    for (let stage = 0; stage <= last; stage++) {
      const rowValues = kernel.body.flatMap((instruction, i) => (levels[i] === 'row' && stages[i] === stage && instruction.fn !== 'reduce' ? [i] : []))
      this.#body.emit(rowValues, group)
      const next = reductions.filter(i => stages[i] === stage + 1)
      for (const together of this.#lanesAcrossRows ? sharingLoads(kernel, next, levels) : [next]) if (together.length > 0) this.#reductionPass(together, group)
    }
    const perRow = kernel.results.filter(({ value, access }) => levels[value] === 'row' && access.strides.slice(outer).every(stride => stride === 0))
    const perElement = kernel.results.filter(result => !perRow.includes(result))
    // element results first: they may read what row results overwrite
    if (perElement.length > 0) this.#resultPass(perElement, group)
    for (const result of perRow) this.#body.store(result, group)
  }

  #reductionPass(reductions: readonly number[], group: Group): void {
    const f = this.#f
    const { kernel, levels, outer } = this.#analysis
    const vectors = this.#lanesAcrossRows ? group.vectors : this.#vectors
    const steps = product(kernel.shape.slice(outer)) / (this.#lanesAcrossRows ? 1 : 4 * vectors)
    const sums = reductions.map(i => {
      const instruction = kernel.body[i]
      if (instruction.fn !== 'reduce') throw new TypeError('LoopCode: a reduction pass takes reductions')
      const { reduce, dtype, args } = instruction
      return { i, arg: args[0], accumulator: new Accumulator(f, reduce, dtype, vectors, steps) }
    })
    const needed = closure(kernel, sums.map(({ arg }) => arg), i => levels[i] === 'element', this.#present)
    this.#pass(needed, [], group, inner => {
      // lanes across rows hold a row each; along the row, a tail must not count
      const tail = this.#lanesAcrossRows ? 0 : inner.tail
      for (const { arg, accumulator } of sums) accumulator.add(Array.from({ length: inner.vectors }, (_, u) => this.#body.value(arg, u)), tail)
    })
    for (const { i, accumulator } of sums) this.#body.values.set(i, this.#lanesAcrossRows ? accumulator.perLane() : [accumulator.acrossLanes()])
  }

  #resultPass(results: LoopKernel['results'], group: Group): void {
    const { kernel, levels } = this.#analysis
    const needed = closure(kernel, results.map(({ value }) => value), i => levels[i] === 'element', this.#present)
    this.#pass(needed, results.map(({ access }) => access), group, inner => {
      for (const result of results) this.#body.store(result, inner)
    })
  }

  /** One walk over the reduced axes, computing `instructions` at each place and then `sink`. */
  #pass(instructions: readonly number[], stores: readonly Access[], group: Group, sink: (group: Group) => void): void {
    const f = this.#f
    const { kernel, lane, outer } = this.#analysis
    const only = new Set([...instructions.flatMap(i => accessOf(kernel.body[i]) ?? []), ...stores])
    const kept = instructions.filter(i => this.#kept.includes(i))
    const known = kept.filter(i => this.#present.has(i))
    const place = (inner: Group): void => {
      for (const i of known) this.#body.values.set(i, this.#keptAt(i, inner).map(([address, offset]) => f.keep(v128.load(address, offset))))
      this.#body.emit(instructions, inner)
      for (const i of kept) if (!known.includes(i)) this.#keptAt(i, inner).forEach(([address, offset], u) => f.do(v128.store(address, this.#body.value(i, u), offset)))
      sink(inner)
    }
    const lanes = (): void => {
      if (this.#lanesAcrossRows) {
        this.#body.within(() => place(group))
        return
      }
      const size = kernel.shape[lane]
      f.set(this.#laneIndex, i32.const(0))
      const left = f.keep(i32.const(size))
      this.#overLanes({ left, most: size, tail: size % 4, moving: only }, place)
      this.#here.advance(lane, -size, only)
    }
    const nest = (axis: number): void => {
      if (axis === kernel.shape.length) lanes()
      else if (axis === lane) nest(axis + 1)
      else this.#along(axis, only, () => nest(axis + 1))
    }
    if (!kernel.shape.slice(outer).includes(0)) nest(outer)
    // the group loops above were written out with what was present before the pass
    for (const i of kept) this.#present.add(i)
  }

  /** Where in scratch a kept value's vectors lie, at the current lanes. */
  #keptAt(i: number, group: Group): (readonly [I32, number])[] {
    const address = i32.add(this.#f.param('i32', SCRATCH), i32.shl(this.#laneIndex, i32.const(2)))
    return Array.from({ length: group.vectors }, (_, u) => [address, this.#kept.indexOf(i) * this.#keptBytes + 16 * u] as const)
  }

  #along(axis: number, only: ReadonlySet<Access>, body: () => void): void {
    const f = this.#f
    const size = this.#analysis.kernel.shape[axis]
    const counter = this.#inner.counters.get(axis)
    if (counter === undefined) throw new TypeError(`LoopCode: axis ${axis} must be a reduced one`)
    f.set(counter, i32.const(0))
    f.repeat(
      () => {
        body()
        this.#here.advance(axis, 1, only)
        f.set(counter, i32.add(counter, i32.const(1)))
      },
      () => i32.ltU(counter, i32.const(size)),
    )
    this.#here.advance(axis, -size, only)
  }
}
