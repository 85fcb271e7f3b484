// Elementwise arithmetic on a tile in scratch: what a matrix product does to its operands as they are packed, and to a finished tile of itself.
import type { Access, Instruction, LoopKernel, MatmulKernel, Result } from '../../../plan/kernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { i32 } from '../emit/scalar.js'
import type { I32 } from '../emit/value.js'
import { analyse, type Analysis } from './analysis.js'
import { BodyCode } from './body.js'
import type { KernelModule } from './kernel-module.js'
import { overLanes } from './lane-loop.js'
import { Pointers } from './pointers.js'
import { accessOf, internAccesses } from './simplify.js'

/** Where the tile lies in the matrix of its last two axes. */
export interface TileRegion {
  readonly rowFirst: Local<'i32'>
  readonly columnFirst: Local<'i32'>
  readonly rows: Local<'i32'>
  readonly columns: Local<'i32'>
}

/** The tile as one binding more, over [...batch, rows, columns]. */
const tileAccess = ({ bindings, batch }: MatmulKernel, width: number): Access => ({ binding: bindings.length, offset: 0, strides: [...batch.map(() => 0), width, 1] })

/** A body as a map that loads `head` from an access. */
function mapOver(kernel: MatmulKernel, [rows, columns]: readonly [number, number], head: Access, of: readonly Instruction[], results: readonly Result[]): LoopKernel {
  const body = of.map((instruction): Instruction => (instruction.fn === 'head' ? { fn: 'load', access: head, dtype: 'f32' } : instruction))
  const bindings = [...kernel.bindings, { dtype: 'f32' as const, written: false }]
  return internAccesses({ kind: 'loop', bindings, shape: [...kernel.batch, rows, columns], reduced: 0, body, results })
}

/** What is done to a finished tile of the product, `width` floats a row: the kernel's own arithmetic, and its stores. */
export const epilogueMap = (kernel: MatmulKernel, width: number): LoopKernel => mapOver(kernel, [kernel.m, kernel.n], tileAccess(kernel, width), kernel.body, kernel.results)

/**
 * How an operand is computed into a packed tile, from what lies there already or, with `direct`, from where the kernel has it. null where it is
 * taken as it is.
 */
export function prologueMap(kernel: MatmulKernel, of: 'a' | 'b', width: number, { direct = false } = {}): LoopKernel | null {
  const body = kernel.prologue?.[of]
  if (body === undefined) return null
  const size = of === 'a' ? ([kernel.m, kernel.k] as const) : ([kernel.k, kernel.n] as const)
  const tile = tileAccess(kernel, width)
  return mapOver(kernel, size, direct ? kernel[of] : tile, body, [{ value: body.length - 1, access: tile }])
}

export class TileMap {
  readonly #f: FunctionBuilder
  readonly #module: KernelModule
  readonly #analysis: Analysis
  readonly #accesses: readonly Access[]
  readonly #tileWidth: number

  constructor(f: FunctionBuilder, module: KernelModule, map: LoopKernel, tileWidth: number) {
    this.#f = f
    this.#module = module
    this.#analysis = { ...analyse(map), lane: map.shape.length - 1 }
    this.#accesses = [...map.body.flatMap(instruction => accessOf(instruction) ?? []), ...map.results.map(({ access }) => access)]
    this.#tileWidth = tileWidth
  }

  emit(bases: readonly I32[], tile: I32, batch: ReadonlyMap<number, Local<'i32'>>, { rowFirst, columnFirst, rows, columns }: TileRegion): void {
    const f = this.#f
    const { kernel, lane, axes, cost } = this.#analysis
    const m = lane - 1
    const row = f.keep(rowFirst)
    const column = f.keep(columnFirst)
    const rowStart = new Pointers(f, this.#accesses)
    const here = new Pointers(f, this.#accesses)
    // the tile counts from its own corner
    const corner = i32.shl(i32.add(i32.mul(rowFirst, i32.const(this.#tileWidth)), columnFirst), i32.const(2))
    rowStart.seek([...bases, i32.sub(tile, corner)], new Map<number, I32>([...batch, [m, rowFirst], [lane, columnFirst]]))
    const body = new BodyCode(f, this.#module, this.#analysis, here, axis => (axis === lane ? column : axis === m ? row : (batch.get(axis) ?? i32.const(0))))
    const end = f.keep(i32.add(rowFirst, rows))
    const loop = { f, body, pointers: here, axis: lane, index: column, vectors: cost <= 10 ? 4 : cost <= 24 ? 2 : 1 }
    const moving = new Set(this.#accesses)
    const all = kernel.body.map((_, i) => i)
    f.repeat(
      () => {
        f.set(column, columnFirst)
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
