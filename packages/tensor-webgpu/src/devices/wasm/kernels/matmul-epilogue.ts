// What is done to a finished tile of a matrix product: the kernel's own arithmetic on each element, and the stores.
import type { Access, Instruction, LoopKernel, MatmulKernel } from '../../../plan/kernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { i32 } from '../emit/scalar.js'
import type { I32 } from '../emit/value.js'
import { analyse, type Analysis } from './analysis.js'
import { BodyCode } from './body.js'
import type { KernelModule } from './kernel-module.js'
import { overLanes } from './lane-loop.js'
import { Pointers } from './pointers.js'
import { accessOf, internAccesses } from './simplify.js'

export interface TileRegion {
  readonly mFirst: Local<'i32'>
  readonly nFirst: Local<'i32'>
  readonly rows: Local<'i32'>
  readonly columns: Local<'i32'>
}

/** The epilogue as a map over [...batch, m, n] that loads `head` from the tile, which stands as one binding more. */
function asMap(kernel: MatmulKernel, tileWidth: number): LoopKernel {
  const tile: Access = { binding: kernel.bindings.length, offset: 0, strides: [...kernel.batch.map(() => 0), tileWidth, 1] }
  const body = kernel.body.map((instruction): Instruction => (instruction.fn === 'head' ? { fn: 'load', access: tile, dtype: 'f32' } : instruction))
  const bindings = [...kernel.bindings, { dtype: 'f32' as const, written: false }]
  return internAccesses({ kind: 'loop', bindings, shape: [...kernel.batch, kernel.m, kernel.n], reduced: 0, body, results: kernel.results })
}

export class Epilogue {
  readonly #f: FunctionBuilder
  readonly #module: KernelModule
  readonly #analysis: Analysis
  readonly #accesses: readonly Access[]
  readonly #tileWidth: number

  constructor(f: FunctionBuilder, module: KernelModule, kernel: MatmulKernel, tileWidth: number) {
    const map = asMap(kernel, tileWidth)
    this.#f = f
    this.#module = module
    this.#analysis = { ...analyse(map), lane: map.shape.length - 1 }
    this.#accesses = [...map.body.flatMap(instruction => accessOf(instruction) ?? []), ...map.results.map(({ access }) => access)]
    this.#tileWidth = tileWidth
  }

  emit(bases: readonly I32[], tile: I32, batch: ReadonlyMap<number, Local<'i32'>>, { mFirst, nFirst, rows, columns }: TileRegion): void {
    const f = this.#f
    const { kernel, lane, axes, cost } = this.#analysis
    const m = lane - 1
    const row = f.keep(mFirst)
    const column = f.keep(nFirst)
    const rowStart = new Pointers(f, this.#accesses)
    const here = new Pointers(f, this.#accesses)
    // the tile counts from its own corner
    const corner = i32.shl(i32.add(i32.mul(mFirst, i32.const(this.#tileWidth)), nFirst), i32.const(2))
    rowStart.seek([...bases, i32.sub(tile, corner)], new Map<number, I32>([...batch, [m, mFirst], [lane, nFirst]]))
    const body = new BodyCode(f, this.#module, this.#analysis, here, axis => (axis === lane ? column : axis === m ? row : (batch.get(axis) ?? i32.const(0))))
    const end = f.keep(i32.add(mFirst, rows))
    const loop = { f, body, pointers: here, axis: lane, index: column, vectors: cost <= 10 ? 4 : cost <= 24 ? 2 : 1 }
    const moving = new Set(this.#accesses)
    const all = kernel.body.map((_, i) => i)
    f.repeat(
      () => {
        f.set(column, nFirst)
        here.copyFrom(rowStart, lane, i32.const(0))
        body.within(() => {
          body.emit(all.filter(i => !axes[i].has(lane)), { vectors: 1, tail: 0 })
          const left = f.keep(columns)
          overLanes(loop, { left, most: Math.min(kernel.shape[lane], this.#tileWidth), tail: kernel.shape[lane] % 4, moving }, group => {
            body.emit(all, group)
            for (const result of kernel.results) body.store(result, group)
          })
        })
        rowStart.advance(m, 1)
        f.set(row, i32.add(row, i32.const(1)))
      },
      () => i32.ltS(row, end),
    )
  }
}
