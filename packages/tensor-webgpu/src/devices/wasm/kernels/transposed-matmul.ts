// Products of a few rows with a matrix whose columns are contiguous, as decoding's last has them: a row of logits from the table of token vectors. Each
// element is a product of two vectors, and the matrix is read once, where it is. A single row is a reduction. With contiguous rows: skinny-matmul.ts.
import type { MatmulKernel } from '../../../plan/kernel.js'
import { FunctionBuilder, type Local } from '../emit/function-builder.js'
import { i32, minS } from '../emit/scalar.js'
import { f32x4, v128 } from '../emit/simd.js'
import type { I32, V128 } from '../emit/value.js'
import { BEGIN, END, FRAME, PHASE_PARAMS, SCRATCH, phase, type CompiledKernel, type KernelModule } from './kernel-module.js'
import { loadLanes } from './lanes.js'
import { transpose4 } from './packing.js'
import { Odometer, Pointers } from './pointers.js'
import { epilogueMap, TileMap } from './tile-map.js'

/** Rows of A beyond which packing the matrix pays. */
const MOST_ROWS = 4
/** Columns of a unit. */
const WIDTH = 32

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

export function isTransposedSkinny({ a, b, batch, m, n, k, columnSums, prologue }: MatmulKernel): boolean {
  const plain = a.guards === undefined && b.guards === undefined && columnSums === undefined && prologue === undefined
  return plain && k >= 4 && m > 1 && m <= MOST_ROWS && n >= 4 && a.strides[batch.length + 1] === 1 && b.strides[batch.length] === 1
}

export function compileTransposedMatmul(module: KernelModule, kernel: MatmulKernel): CompiledKernel {
  const { batch, m, n, k } = kernel
  if (batch.includes(0)) return { phases: [], sharedBytes: 0, threadBytes: 0 }
  const exported = new TransposedCode(module, kernel).build()
  return { phases: [phase(exported, product(batch) * Math.ceil(n / WIDTH), ((m + 1) * Math.min(n, WIDTH) * k) / 4)], sharedBytes: 0, threadBytes: m * WIDTH * 4 }
}

class TransposedCode {
  readonly #f = new FunctionBuilder(PHASE_PARAMS)
  readonly #module: KernelModule
  readonly #kernel: MatmulKernel

  constructor(module: KernelModule, kernel: MatmulKernel) {
    this.#module = module
    this.#kernel = kernel
  }

  /** A unit is a block of columns of one matrix: its products go to scratch, and from there through the epilogue. */
  build(): string {
    const f = this.#f
    const { a, b, batch, m, n, bindings } = this.#kernel
    const blocks = Math.ceil(n / WIDTH)
    const tile = f.param('i32', SCRATCH)
    const bases = bindings.map((_, i) => f.keep(i32.load(f.param('i32', FRAME), 4 * (i + 1))))
    const unit = f.keep(f.param('i32', BEGIN))
    const index = new Odometer(f, batch, batch.map((_, axis) => axis))
    const pointers = new Pointers(f, [a, b])
    const epilogue = new TileMap(f, this.#module, epilogueMap(this.#kernel, WIDTH), WIDTH)
    f.repeat(
      () => {
        f.scope(() => {
          const nFirst = f.keep(i32.mul(i32.remU(unit, i32.const(blocks)), i32.const(WIDTH)))
          index.seek(f.keep(i32.divU(unit, i32.const(blocks))))
          pointers.seek(bases, index.counters)
          const columns = f.keep(minS(i32.const(WIDTH), i32.sub(i32.const(n), nFirst)))
          this.#products(pointers.of(a), pointers.of(b), nFirst, columns, tile)
          epilogue.emit(bases, tile, index.counters, { rowFirst: f.keep(i32.const(0)), columnFirst: nFirst, rows: f.keep(i32.const(m)), columns })
        })
        f.set(unit, i32.add(unit, i32.const(1)))
      },
      () => i32.ltU(unit, f.param('i32', END)),
    )
    const exported = this.#module.exportName()
    this.#module.builder.add(f, { exported })
    return exported
  }

  #products(rows: Local<'i32'>, matrix: Local<'i32'>, nFirst: I32, columns: I32, tile: I32): void {
    const f = this.#f
    const { b, batch, m, n } = this.#kernel
    const bytes = b.strides[batch.length + 1] * 4
    const column = f.keep(nFirst)
    const end = f.keep(i32.add(nFirst, columns))
    const to = f.keep(tile)
    f.repeat(
      () => {
        f.scope(() => {
          // past the end the last column stands in
          const start = (i: number): Local<'i32'> => f.keep(i32.add(matrix, i32.mul(minS(i32.add(column, i32.const(i)), i32.const(n - 1)), i32.const(bytes))))
          // several streams through memory are fetched ahead more slowly than one; but with more rows their elements are worth loading once for two columns
          const groups = m === 2 ? [[0], [1], [2], [3]] : [[0, 1], [2, 3]]
          const parts = groups.flatMap(group => this.#sums(f.keep(rows), group.map(start)))
          const sums = Array.from({ length: m }, (_, row) => this.#acrossLanes(parts.map(part => part[row])))
          for (let row = 0; row < m; row++) f.do(v128.store(to, sums[row], row * WIDTH * 4))
        })
        f.set(column, i32.add(column, i32.const(4)))
        f.set(to, i32.add(to, i32.const(16)))
      },
      () => i32.ltS(column, end),
    )
  }

  /** For each column its product with each row of A, in four parts. */
  #sums(rows: Local<'i32'>, columns: readonly Local<'i32'>[]): Local<'v128'>[][] {
    const f = this.#f
    const { a, batch, m, k } = this.#kernel
    const rowBytes = a.strides[batch.length] * 4
    // enough sums at once that additions need not wait for one another, and no more than registers
    const together = m === 2 ? 2 : 1
    const sums = columns.map(() => Array.from({ length: m }, () => Array.from({ length: together }, () => f.keep(f32x4.const(0)))))
    const step = (vectors: number, count: number): void => {
      for (let u = 0; u < vectors; u++)
        f.scope(() => {
          const load = (pointer: Local<'i32'>): Local<'v128'> => f.keep(loadLanes({ pointer, stride: 1, first: 4 * u, count, wild: false }))
          const values = columns.map(load)
          for (let row = 0; row < m; row++) {
            const factor = load(row === 0 ? rows : f.keep(i32.add(rows, i32.const(row * rowBytes))))
            values.forEach((value, i) => f.set(sums[i][row][u], f32x4.add(sums[i][row][u], f32x4.mul(value, factor))))
          }
        })
      for (const pointer of [rows, ...columns]) f.set(pointer, i32.add(pointer, i32.const(16 * (vectors - 1) + 4 * count)))
    }
    const left = f.keep(i32.const(Math.floor(k / (4 * together))))
    f.while(
      () => left,
      () => {
        step(together, 4)
        f.set(left, i32.sub(left, i32.const(1)))
      },
    )
    for (let rest = Math.floor(k / 4) % together; rest > 0; rest--) step(1, 4)
    if (k % 4 > 0) step(1, k % 4)
    return sums.map(column => column.map(row => f.keep(row.map((part): V128 => part).reduce((x, y) => f32x4.add(x, y)))))
  }

  /** The four parts of each of four sums, added up. */
  #acrossLanes(parts: readonly Local<'v128'>[]): V128 {
    const [a, b, c, d] = transpose4(this.#f, parts)
    return f32x4.add(f32x4.add(a, b), f32x4.add(c, d))
  }
}
