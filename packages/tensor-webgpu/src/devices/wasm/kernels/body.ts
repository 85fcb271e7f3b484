// A kernel's instructions as SIMD code at the current pointers: which locals hold the value of which instruction, and how each is computed.
import type { Access, Instruction, Result, Shift } from '../../../plan/kernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { i32, maxS, minS } from '../emit/scalar.js'
import { i32x4, f32x4, v128 } from '../emit/simd.js'
import type { I32, V128 } from '../emit/value.js'
import { geluTanhWithDerivative } from '../math/gelu-tanh.js'
import { convert, nonZero, scalarCode } from '../math/scalar-code.js'
import { argsOf, type Analysis } from './analysis.js'
import type { KernelModule } from './kernel-module.js'
import { loadLanes, storeLanes } from './lanes.js'
import type { Pointers } from './pointers.js'

/** Neighbouring lanes computed together: some whole vectors, or one with `tail` lanes (0: all four). */
export interface Group {
  readonly vectors: number
  readonly tail: number
}

export const lanesOf = (group: Group): number => (group.tail > 0 ? group.tail : group.vectors * 4)

/** The iteration index along an axis; on the lane axis that of the group's first lane. */
export type Position = (axis: number) => I32

export class BodyCode {
  readonly #f: FunctionBuilder
  readonly #module: KernelModule
  readonly #analysis: Analysis
  readonly #pointers: Pointers
  readonly #position: Position
  /** One local for values equal in all lanes of a group, else one per vector. */
  readonly values = new Map<number, readonly Local<'v128'>[]>()

  constructor(f: FunctionBuilder, module: KernelModule, analysis: Analysis, pointers: Pointers, position: Position) {
    this.#f = f
    this.#module = module
    this.#analysis = analysis
    this.#pointers = pointers
    this.#position = position
  }

  value(instruction: number, vector: number): Local<'v128'> {
    const locals = this.values.get(instruction)
    if (locals === undefined) throw new TypeError(`BodyCode.value: instruction ${instruction} must have been emitted`)
    return locals[locals.length === 1 ? 0 : vector]
  }

  /** Computes instructions (in order; reductions excepted) unless they are already held. */
  emit(instructions: readonly number[], group: Group): void {
    for (const i of instructions) {
      if (this.values.has(i)) continue
      const vectors = this.#analysis.axes[i].has(this.#analysis.lane) ? group.vectors : 1
      const twin = this.#geluTwin(i, instructions)
      if (twin !== null) this.#geluPair(i, twin, vectors)
      else this.values.set(i, Array.from({ length: vectors }, (_, u) => this.#instruction(i, u, group)))
    }
  }

  /** A GELU and its derivative at the same argument, as a forward pass that is to be differentiated has them, share their exponential. */
  #geluTwin(i: number, instructions: readonly number[]): number | null {
    const { body } = this.#analysis.kernel
    const one = body[i]
    if (one.dtype !== 'f32' || (one.fn !== 'geluTanh' && one.fn !== 'geluTanhDerivative')) return null
    const other = one.fn === 'geluTanh' ? 'geluTanhDerivative' : 'geluTanh'
    return instructions.find(j => j > i && body[j].fn === other && argsOf(body[j])[0] === one.args[0]) ?? null
  }

  #geluPair(i: number, twin: number, vectors: number): void {
    const f = this.#f
    const { body } = this.#analysis.kernel
    const [arg] = argsOf(body[i])
    const pairs = Array.from({ length: vectors }, (_, u) => geluTanhWithDerivative(f, this.value(arg, u)))
    const [gelu, derivative] = body[i].fn === 'geluTanh' ? [i, twin] : [twin, i]
    this.values.set(gelu, pairs.map(pair => pair.gelu))
    this.values.set(derivative, pairs.map(pair => pair.derivative))
  }

  /** Makes all values computed inside forgotten afterwards: they hold for this place only. */
  within(body: () => void): void {
    const before = new Set(this.values.keys())
    this.#f.scope(body)
    for (const i of this.values.keys()) if (!before.has(i)) this.values.delete(i)
  }

  store({ value, access, shift }: Result, group: Group): void {
    const moved = shift === undefined ? {} : { pointer: this.#shifted(this.#pointers.of(access), shift) }
    for (let u = 0; u < group.vectors; u++)
      storeLanes(this.#f, { ...this.#lanes(access, u, group), ...moved }, this.value(value, u))
  }

  #shifted(pointer: Local<'i32'>, { by, stride, size }: Shift): Local<'i32'> {
    const places = maxS(i32.const(0), minS(this.#f.keep(i32x4.extract(this.value(by, 0), 0)), i32.const(size - 1)))
    return this.#f.keep(i32.add(pointer, i32.mul(places, i32.const(stride * 4))))
  }

  #lanes(access: Access, vector: number, group: Group): { pointer: Local<'i32'>; stride: number; first: number; count: number; wild: boolean } {
    const stride = access.strides[this.#analysis.lane] ?? 0
    return { pointer: this.#pointers.of(access), stride, first: 4 * vector, count: group.tail > 0 ? group.tail : 4, wild: access.guards !== undefined }
  }

  #instruction(i: number, vector: number, group: Group): Local<'v128'> {
    const f = this.#f
    const { body } = this.#analysis.kernel
    const instruction = body[i]
    switch (instruction.fn) {
      case 'load':
        return this.#guarded(instruction.access, vector, group, count => loadLanes({ ...this.#lanes(instruction.access, vector, group), count }), null)
      case 'gather':
        return this.#gather(instruction, vector, group)
      case 'constant':
        return f.keep(instruction.dtype === 'f32' ? f32x4.const(instruction.value) : i32x4.const(instruction.value))
      case 'index': {
        const start = i32x4.splat(this.#position(instruction.axis))
        if (instruction.axis !== this.#analysis.lane) return f.keep(start)
        return f.keep(i32x4.add(start, i32x4.lanes([0, 1, 2, 3].map(lane => 4 * vector + lane))))
      }
      case 'head':
      case 'reduce':
        throw new TypeError(`BodyCode: ${instruction.fn} must be computed by its own code`)
      case 'cast':
        return f.keep(convert(this.value(instruction.args[0], vector), body[instruction.args[0]].dtype, instruction.dtype))
      case 'bitcast':
        return this.value(instruction.args[0], vector)
      case 'where': {
        const [condition, yes, no] = instruction.args
        const mask = nonZero(this.value(condition, vector), body[condition].dtype)
        return f.keep(v128.select(mask, this.value(yes, vector), this.value(no, vector)))
      }
      default: {
        const last = body[instruction.args[instruction.args.length - 1]]
        const args = instruction.args.map(arg => this.value(arg, vector))
        const count = last.fn === 'constant' ? last.value : null
        return f.keep(scalarCode({ f, module: this.#module }, instruction.fn, args, last.dtype, count))
      }
    }
  }

  #gather(instruction: Extract<Instruction, { fn: 'gather' }>, vector: number, group: Group): Local<'v128'> {
    const f = this.#f
    const { access, size, stride } = instruction
    const [arg] = instruction.args
    const clamped = i32x4.minS(i32x4.maxS(this.value(arg, vector), i32x4.const(0)), i32x4.const(size - 1))
    const shift = f.keep(i32x4.mul(clamped, i32x4.const(stride * 4)))
    const lanes = this.#lanes(access, vector, group)
    if (!this.#analysis.axes[arg].has(this.#analysis.lane)) {
      const pointer = f.keep(i32.add(lanes.pointer, i32x4.extract(shift, 0)))
      return this.#guarded(access, vector, group, count => loadLanes({ ...lanes, pointer, count }), () => pointer)
    }
    const laneAddress = (lane: number): I32 => i32.add(i32.add(lanes.pointer, i32x4.extract(shift, lane)), i32.const((lanes.first + lane) * lanes.stride * 4))
    return this.#guarded(
      access,
      vector,
      group,
      count => {
        let value = v128.load32Zero(laneAddress(0))
        for (let lane = 1; lane < count; lane++) value = v128.load32Lane(laneAddress(lane), value, lane)
        return value
      },
      lane => i32.sub(laneAddress(lane), i32.const((lanes.first + lane) * lanes.stride * 4)),
    )
  }

  /**
   * `whole(count)` where all the access's guards hold, else 0; lanes partly outside are loaded one by one.
   * `origin(lane)` is the address that lane strides count from, where it is not the access's pointer.
   */
  #guarded(access: Access, vector: number, group: Group, whole: (count: number) => V128, origin: ((lane: number) => I32) | null): Local<'v128'> {
    const f = this.#f
    const { lane } = this.#analysis
    const { pointer, stride, first, count } = this.#lanes(access, vector, group)
    if (access.guards === undefined) return f.keep(whole(count))
    const value = f.keep(i32x4.const(0))
    // one unsigned comparison tests both ends
    const inside = (index: I32, from: number, to: number): I32 => i32.ltU(i32.sub(index, i32.const(from)), i32.const(to - from))
    const onLane = access.guards.filter(guard => guard.axis === lane)
    const elsewhere = access.guards.filter(guard => guard.axis !== lane).map(guard => inside(this.#position(guard.axis), guard.from, guard.to))
    const loadWhole = (): void => f.set(value, whole(count))
    const loadParts = (): void => {
      const start = f.keep(i32.add(this.#position(lane), i32.const(first)))
      const all = onLane.map(({ from, to }) => i32.and(i32.geS(start, i32.const(from)), i32.leS(i32.add(start, i32.const(count)), i32.const(to))))
      f.if(all.reduce(i32.and), loadWhole, () => {
        for (let j = 0; j < count; j++) {
          const index = i32.add(start, i32.const(j))
          const address = i32.add(origin?.(j) ?? pointer, i32.const((first + j) * stride * 4))
          f.if(onLane.map(({ from, to }) => inside(index, from, to)).reduce(i32.and), () => f.set(value, v128.load32Lane(address, value, j)))
        }
      })
    }
    const load = onLane.length > 0 ? loadParts : loadWhole
    if (elsewhere.length === 0) load()
    else f.if(elsewhere.reduce(i32.and), load)
    return value
  }
}
