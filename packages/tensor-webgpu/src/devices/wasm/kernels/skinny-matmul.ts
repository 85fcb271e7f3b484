// Products of a few rows with a matrix, as decoding has them: bound by reading the matrix once. Its rows are walked in the direction in which they
// lie in memory and added up in a strip of scratch: no packing, which would read and write the matrix a second time.
import type { MatmulKernel } from '../../../plan/kernel.js'
import { FunctionBuilder, type Local } from '../emit/function-builder.js'
import { i32, minS } from '../emit/scalar.js'
import { f32x4, v128 } from '../emit/simd.js'
import type { I32, V128 } from '../emit/value.js'
import { BEGIN, END, FRAME, PHASE_PARAMS, SCRATCH, phase, type CompiledKernel, type KernelModule } from './kernel-module.js'
import { epilogueMap, TileMap } from './tile-map.js'
import { Odometer, Pointers } from './pointers.js'

/** Rows of A beyond which packing the matrix pays. */
const MOST_ROWS = 4
/** Columns of a strip: its sums stay in the first-level cache. */
const WIDTH = 2048
/** Pieces that a product is cut into where it is large enough: over columns first, then over k. */
const PIECES = 8
const SHORTEST = 64

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

/** For arranged kernels: few rows, a matrix with contiguous rows, whole vectors. */
export function isSkinny({ a, b, batch, m, n, k }: MatmulKernel): boolean {
  const guarded = a.guards !== undefined || b.guards !== undefined
  return !guarded && k > 0 && m > 0 && m <= MOST_ROWS && n >= 64 && n % 4 === 0 && b.strides[batch.length + 1] === 1
}

export function compileSkinnyMatmul(module: KernelModule, kernel: MatmulKernel): CompiledKernel {
  if (kernel.batch.includes(0)) return { phases: [], sharedBytes: 0, threadBytes: 0 }
  const { batch, m, n, k } = kernel
  const copies = product(batch)
  const strips = Math.ceil(n / WIDTH)
  const width = Math.min(n, 4 * Math.ceil(n / (4 * strips)))
  const depth = Math.max(Math.min(k, SHORTEST), Math.ceil(k / Math.ceil(PIECES / (copies * strips))))
  const code = new SkinnyCode(module, kernel, { strips, width, parts: Math.ceil(k / depth), depth })
  // waiting for memory counts twice: of few pieces each should be a thread's to take
  const cost = ((m + 1) * width * depth) / 2
  return {
    phases: [phase(code.addUp(), copies * strips * code.cut.parts, cost), phase(code.finish(), copies * strips, m * width * code.cut.parts)],
    sharedBytes: copies * code.cut.parts * m * n * 4,
    threadBytes: m * width * 4,
  }
}

/** How a product is cut: `strips` of `width` columns, each in `parts` of `depth` steps of k (the last ones may be smaller). */
interface Cut {
  readonly strips: number
  readonly width: number
  readonly parts: number
  readonly depth: number
}

class SkinnyCode {
  readonly cut: Cut
  readonly #module: KernelModule
  readonly #kernel: MatmulKernel

  constructor(module: KernelModule, kernel: MatmulKernel, cut: Cut) {
    this.cut = cut
    this.#module = module
    this.#kernel = kernel
  }

  #export(f: FunctionBuilder, unit: Local<'i32'>, body: () => void): string {
    f.repeat(
      () => {
        f.scope(body)
        f.set(unit, i32.add(unit, i32.const(1)))
      },
      () => i32.ltU(unit, f.param('i32', END)),
    )
    const exported = this.#module.exportName()
    this.#module.builder.add(f, { exported })
    return exported
  }

  /** Where part `part` of the sums of a batch's matrix begins; its rows are n long. */
  #sums(f: FunctionBuilder, matrix: I32, part: I32): I32 {
    const { m, n } = this.#kernel
    return i32.add(i32.load(f.param('i32', FRAME)), i32.mul(i32.add(i32.mul(matrix, i32.const(this.cut.parts)), part), i32.const(m * n * 4)))
  }

  /** First phase, a unit for every part of every strip: the products of its steps of k, added up in shared scratch. */
  addUp(): string {
    const f = new FunctionBuilder(PHASE_PARAMS)
    const { a, b, batch, n, k, bindings } = this.#kernel
    const { strips, width, parts, depth } = this.cut
    const rank = batch.length
    const bases = bindings.map((_, i) => f.keep(i32.load(f.param('i32', FRAME), 4 * (i + 1))))
    const unit = f.keep(f.param('i32', BEGIN))
    const index = new Odometer(f, batch, batch.map((_, axis) => axis))
    const pointers = new Pointers(f, [a, b])
    return this.#export(f, unit, () => {
      const part = f.keep(i32.remU(unit, i32.const(parts)))
      const rest = f.keep(i32.divU(unit, i32.const(parts)))
      const nFirst = f.keep(i32.mul(i32.remU(rest, i32.const(strips)), i32.const(width)))
      const matrix = f.keep(i32.divU(rest, i32.const(strips)))
      index.seek(matrix)
      pointers.seek(bases, index.counters)
      const kFirst = f.keep(i32.mul(part, i32.const(depth)))
      const rows = f.keep(i32.add(pointers.of(a), i32.mul(kFirst, i32.const(a.strides[rank + 1] * 4))))
      const from = f.keep(i32.add(pointers.of(b), i32.add(i32.mul(kFirst, i32.const(b.strides[rank] * 4)), i32.shl(nFirst, i32.const(2)))))
      const strip = f.keep(i32.add(this.#sums(f, matrix, part), i32.shl(nFirst, i32.const(2))))
      const columns = f.keep(minS(i32.const(width), i32.sub(i32.const(n), nFirst)))
      const last = k - (parts - 1) * depth
      if (last === depth) this.#fill(f, strip, rows, from, columns, depth)
      else f.if(i32.eq(part, i32.const(parts - 1)), () => this.#fill(f, strip, rows, from, columns, last), () => this.#fill(f, strip, rows, from, columns, depth))
    })
  }

  /** Second phase, a unit for every strip: the sums of all parts, in order, and the epilogue. */
  finish(): string {
    const f = new FunctionBuilder(PHASE_PARAMS)
    const { batch, m, n, bindings } = this.#kernel
    const { strips, width, parts } = this.cut
    const strip = f.param('i32', SCRATCH)
    const bases = bindings.map((_, i) => f.keep(i32.load(f.param('i32', FRAME), 4 * (i + 1))))
    const unit = f.keep(f.param('i32', BEGIN))
    const index = new Odometer(f, batch, batch.map((_, axis) => axis))
    const epilogue = new TileMap(f, this.#module, epilogueMap(this.#kernel, width), width)
    return this.#export(f, unit, () => {
      const nFirst = f.keep(i32.mul(i32.remU(unit, i32.const(strips)), i32.const(width)))
      const matrix = f.keep(i32.divU(unit, i32.const(strips)))
      index.seek(matrix)
      const columns = f.keep(minS(i32.const(width), i32.sub(i32.const(n), nFirst)))
      const first = f.keep(i32.add(this.#sums(f, matrix, i32.const(0)), i32.shl(nFirst, i32.const(2))))
      for (let row = 0; row < m; row++) {
        const from = f.keep(i32.add(first, i32.const(row * n * 4)))
        const to = f.keep(i32.add(strip, i32.const(row * width * 4)))
        const end = f.keep(i32.add(to, i32.shl(columns, i32.const(2))))
        f.repeat(
          () => {
            const values = Array.from({ length: parts }, (_, part) => v128.load(from, part * m * n * 4))
            f.do(v128.store(to, values.reduce((sum, value) => f32x4.add(sum, value))))
            f.set(from, i32.add(from, i32.const(16)))
            f.set(to, i32.add(to, i32.const(16)))
          },
          () => i32.ltU(to, end),
        )
      }
      epilogue.emit(bases, strip, index.counters, { rowFirst: f.keep(i32.const(0)), columnFirst: nFirst, rows: f.keep(i32.const(m)), columns })
    })
  }

  /** strip = the rows of A times `columns` columns of B, over `k` steps. */
  #fill(f: FunctionBuilder, strip: I32, rows: Local<'i32'>, matrix: Local<'i32'>, columns: I32, k: number): void {
    const { a, b, batch, m } = this.#kernel
    const [mBytes, kBytes] = a.strides.slice(batch.length).map(stride => stride * 4)
    const rowBytes = b.strides[batch.length] * 4
    // Whole rows one at a time are one stream through memory, which processors fetch ahead twice as fast as several; where rows are cut, the more
    // there are together the better. With more rows of A, factors and sums must stay in registers.
    const together = Math.min(k, this.cut.strips === 1 ? 1 : m === 1 ? 8 : m === 2 ? 4 : 2)
    const steps = (count: number, first: boolean): void => {
      f.scope(() => {
        const factors = Array.from({ length: m }, (_, row) => Array.from({ length: count }, (_, u) => f.keep(v128.load32Splat(i32.add(rows, i32.const(row * mBytes + u * kBytes))))))
        this.#addRows(f, factors, { strip, matrix, rowBytes, columns, first })
      })
      f.set(rows, i32.add(rows, i32.const(count * kBytes)))
      f.set(matrix, i32.add(matrix, i32.const(count * rowBytes)))
    }
    steps(together, true)
    const turns = Math.floor(k / together) - 1
    if (turns > 0) {
      const left = f.keep(i32.const(turns))
      f.repeat(
        () => {
          steps(together, false)
          f.set(left, i32.sub(left, i32.const(1)))
        },
        () => left,
      )
    }
    if (k % together > 0) steps(k % together, false)
  }

  /** strip (+)= Σ factor · row, for a few rows of B at once. */
  #addRows(f: FunctionBuilder, factors: readonly (readonly Local<'v128'>[])[], { strip, matrix, rowBytes, columns, first }: { strip: I32; matrix: I32; rowBytes: number; columns: I32; first: boolean }): void {
    const to = f.keep(strip)
    const end = f.keep(i32.add(strip, i32.shl(columns, i32.const(2))))
    const from = factors[0].map((_, u) => f.keep(i32.add(matrix, i32.const(u * rowBytes))))
    f.repeat(
      () => {
        f.scope(() => {
          const loaded = from.map(pointer => f.keep(v128.load(pointer)))
          factors.forEach((row, i) => {
            const products = row.map((factor, u): V128 => f32x4.mul(factor, loaded[u]))
            const sum = pairwise(products)
            const place = i * this.#kernel.n * 4
            f.do(v128.store(to, first ? sum : f32x4.add(v128.load(to, place), sum), place))
          })
        })
        for (const pointer of from) f.set(pointer, i32.add(pointer, i32.const(16)))
        f.set(to, i32.add(to, i32.const(16)))
      },
      () => i32.ltU(to, end),
    )
  }
}

/** Sums in a tree: shorter chains, and rounding that grows with the logarithm. */
function pairwise(values: readonly V128[]): V128 {
  if (values.length === 1) return values[0]
  const half = Math.ceil(values.length / 2)
  return f32x4.add(pairwise(values.slice(0, half)), pairwise(values.slice(half)))
}
