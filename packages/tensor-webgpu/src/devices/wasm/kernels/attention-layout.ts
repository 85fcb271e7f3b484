// What both directions of attention share: the walk over (batch, head, block), packed operands in shared scratch, and visible scores.
import type { Dtype } from '../../../dtype.js'
import type { Access, AttentionKernel, AttentionSizes, Binding } from '../../../plan/kernel.js'
import { FunctionBuilder, type Local } from '../emit/function-builder.js'
import { callEffect } from '../emit/module-builder.js'
import { i32, maxS, minS } from '../emit/scalar.js'
import { f32x4, i32x4, v128 } from '../emit/simd.js'
import type { I32 } from '../emit/value.js'
import { BEGIN, END, FRAME, PHASE_PARAMS, type KernelModule } from './kernel-module.js'
import { loadLanes } from './lanes.js'
import { PANEL } from './microkernel.js'
import { packPanel } from './packing.js'

export const panelsOf = (columns: number): number => Math.ceil(columns / PANEL)

/** Binding addresses of a phase, read from its frame. */
export class Bases {
  readonly #f: FunctionBuilder
  readonly #bindings: readonly Local<'i32'>[]
  /** Shared scratch. */
  readonly shared: Local<'i32'>

  constructor(f: FunctionBuilder, bindings: readonly Binding[]) {
    const frame = f.param('i32', FRAME)
    this.#f = f
    this.shared = f.keep(i32.load(frame))
    this.#bindings = bindings.map((_, i) => f.keep(i32.load(frame, 4 * (i + 1))))
  }

  /** Address of an access at an index. */
  at(access: Access, ...index: readonly I32[]): Local<'i32'> {
    const moved = index.map((position, axis) => i32.mul(position, i32.const(access.strides[axis] * 4)))
    return this.#f.keep(moved.reduce((sum, bytes) => i32.add(sum, bytes), i32.add(this.#bindings[access.binding], i32.const(access.offset * 4))))
  }
}

/** A function that runs `body` for each unit of its range, the unit taken apart into indices of the given sizes (the last fastest). */
export function overUnits(module: KernelModule, sizes: readonly number[], bindings: readonly Binding[], body: (f: FunctionBuilder, bases: Bases, index: readonly Local<'i32'>[]) => void): string {
  const f = new FunctionBuilder(PHASE_PARAMS)
  const bases = new Bases(f, bindings)
  const unit = f.keep(f.param('i32', BEGIN))
  f.repeat(
    () => {
      f.scope(() => {
        const rest = f.keep(unit)
        const index = sizes.map(() => f.local('i32'))
        for (let i = sizes.length - 1; i > 0; i--) {
          f.set(index[i], i32.remU(rest, i32.const(sizes[i])))
          f.set(rest, i32.divU(rest, i32.const(sizes[i])))
        }
        f.set(index[0], rest)
        body(f, bases, index)
      })
      f.set(unit, i32.add(unit, i32.const(1)))
    },
    () => i32.ltU(unit, f.param('i32', END)),
  )
  const exported = module.exportName()
  module.builder.add(f, { exported })
  return exported
}

/** How many keys a batch has. */
export function keyLength(f: FunctionBuilder, bases: Bases, { keys, lengths }: AttentionKernel, batch: I32): Local<'i32'> {
  const given = lengths === null ? null : f.keep(i32.load(bases.at(lengths, batch)))
  return f.keep(given === null ? i32.const(keys) : maxS(i32.const(0), minS(given, i32.const(keys))))
}

/** A (steps × columns) matrix of each (batch, head) to be packed into panels: `access` over [batch, head, row, D], read either way round. */
export interface PackedOperand {
  readonly access: Access
  /** 'rows': a panel holds 16 rows, k runs along D. 'columns': a panel holds 16 of D, k runs along the rows. */
  readonly panels: 'rows' | 'columns'
  readonly heads: number
  readonly rows: number
}

export class PackedOperands {
  readonly #module: KernelModule
  readonly #bindings: readonly Binding[]
  readonly #batch: number
  readonly #headSize: number
  readonly #starts = new Map<PackedOperand, number>()
  bytes = 0

  constructor(module: KernelModule, bindings: readonly Binding[], sizes: AttentionSizes, operands: readonly PackedOperand[]) {
    this.#module = module
    this.#bindings = bindings
    this.#batch = sizes.batch
    this.#headSize = sizes.headSize
    for (const operand of operands) {
      this.#starts.set(operand, this.bytes)
      this.bytes += sizes.batch * operand.heads * this.headBytes(operand)
    }
  }

  panelBytes({ panels, rows }: PackedOperand): number {
    return (panels === 'rows' ? this.#headSize : rows) * PANEL * 4
  }

  headBytes(operand: PackedOperand): number {
    return this.#count(operand) * this.panelBytes(operand)
  }

  #count({ panels, rows }: PackedOperand): number {
    return panelsOf(panels === 'rows' ? rows : this.#headSize)
  }

  /** Address of the first panel of a head. */
  head(bases: Bases, operand: PackedOperand, batch: I32, head: I32): I32 {
    const number = i32.add(i32.mul(batch, i32.const(operand.heads)), head)
    return i32.add(i32.add(bases.shared, i32.const(this.#starts.get(operand) ?? 0)), i32.mul(number, i32.const(this.headBytes(operand))))
  }

  /** One phase for each operand: its name, units and the cost of one. */
  phases(): { readonly exported: string; readonly units: number; readonly cost: number }[] {
    return [...this.#starts.keys()].map(operand => ({
      exported: this.#pack(operand),
      units: this.#batch * operand.heads * this.#count(operand),
      cost: this.panelBytes(operand) / 5,
    }))
  }

  #pack(operand: PackedOperand): string {
    const { access, panels, heads, rows } = operand
    const [rowBytes, dBytes] = [access.strides[2] * 4, access.strides[3] * 4]
    return overUnits(this.#module, [this.#batch, heads, this.#count(operand)], this.#bindings, (f, bases, [batch, head, panel]) => {
      const first = f.keep(i32.mul(panel, i32.const(PANEL)))
      const to = i32.add(this.head(bases, operand, batch, head), i32.mul(panel, i32.const(this.panelBytes(operand))))
      const byRows = panels === 'rows'
      const from = byRows ? bases.at(access, batch, head, first) : bases.at(access, batch, head, i32.const(0), first)
      const columns = minS(i32.const(PANEL), i32.sub(i32.const(byRows ? rows : this.#headSize), first))
      const [kBytes, nBytes] = byRows ? [dBytes, rowBytes] : [rowBytes, dBytes]
      f.do(callEffect(packPanel(this.#module), to, from, i32.const(kBytes), i32.const(nBytes), i32.const(byRows ? this.#headSize : rows), columns))
    })
  }
}

/** Values along a row of scores that come from memory: `stride` elements from lane to lane. */
export interface LaneValues {
  readonly pointer: Local<'i32'>
  readonly stride: number
}

/** Four values at lanes `lane`…; lanes outside [first, end) are not loaded and are 0. */
export function loadVisible(f: FunctionBuilder, { pointer, stride }: LaneValues, lane: Local<'i32'>, first: I32, end: I32): Local<'v128'> {
  const at = f.keep(i32.add(pointer, i32.mul(lane, i32.const(stride * 4))))
  const value = f.keep(i32x4.const(0))
  f.if(
    i32.and(i32.geS(lane, first), i32.leS(i32.add(lane, i32.const(4)), end)),
    () => f.set(value, loadLanes({ pointer: at, stride, first: 0, count: 4, wild: false })),
    () => {
      for (let j = 0; j < 4; j++) {
        const index = i32.add(lane, i32.const(j))
        f.if(i32.and(i32.geS(index, first), i32.ltS(index, end)), () => f.set(value, v128.load32Lane(i32.add(at, i32.const(j * stride * 4)), value, j)))
      }
    },
  )
  return value
}

/** Float masks at or below this hide the key. */
const HIDDEN = -1e30

/** Scaled and masked scores of four lanes; those outside [first, end) or hidden by the mask are -inf. */
export function visibleScores(f: FunctionBuilder, scores: I32, scale: number, lane: Local<'i32'>, first: I32, end: I32, mask: (LaneValues & { readonly dtype: Dtype }) | null): Local<'v128'> {
  const scaled = f.keep(f32x4.mul(v128.load(scores), f32x4.const(scale)))
  const lanes = f.keep(i32x4.add(i32x4.splat(lane), i32x4.lanes([0, 1, 2, 3])))
  const visible = f.keep(v128.and(i32x4.geS(lanes, i32x4.splat(first)), i32x4.ltS(lanes, i32x4.splat(end))))
  if (mask !== null) {
    const values = loadVisible(f, mask, lane, first, end)
    if (mask.dtype === 'f32') {
      f.set(scaled, f32x4.add(scaled, values))
      f.set(visible, v128.andnot(visible, f32x4.le(values, f32x4.const(HIDDEN))))
    } else f.set(visible, v128.and(visible, i32x4.ne(values, i32x4.const(0))))
  }
  return f.keep(v128.select(visible, scaled, f32x4.const(-Infinity)))
}

/** A walk along a row of scores, four lanes at a time. */
export class ScoreRow {
  readonly #f: FunctionBuilder
  readonly #start: Local<'i32'>
  readonly #lane: Local<'i32'>
  readonly #at: Local<'i32'>

  constructor(f: FunctionBuilder, start: Local<'i32'>) {
    this.#f = f
    this.#start = start
    this.#lane = f.keep(i32.const(0))
    this.#at = f.keep(start)
  }

  restart(): void {
    this.#f.set(this.#lane, i32.const(0))
    this.#f.set(this.#at, this.#start)
  }

  /** Goes on to lane `end`, rounded up to four. */
  over(end: I32, body: (at: Local<'i32'>, lane: Local<'i32'>) => void): void {
    this.#f.while(
      () => i32.ltS(this.#lane, end),
      () => {
        this.#f.scope(() => body(this.#at, this.#lane))
        this.#f.set(this.#lane, i32.add(this.#lane, i32.const(4)))
        this.#f.set(this.#at, i32.add(this.#at, i32.const(16)))
      },
    )
  }
}
