// Matrix products: B packed once into panels that all threads read, then tiles of C by the microkernel, each finished by the epilogue
// while it is in cache. A few rows are skinny-matmul.ts's and transposed-matmul.ts's; one column is a reduction, and is compiled as one.
import type { Access, Instruction, LoopKernel, MatmulKernel } from '../../../plan/kernel.js'
import { FunctionBuilder, type Local } from '../emit/function-builder.js'
import { callEffect } from '../emit/module-builder.js'
import { i32, minS } from '../emit/scalar.js'
import type { I32 } from '../emit/value.js'
import { BEGIN, END, FRAME, PHASE_PARAMS, SCRATCH, phase, type CompiledKernel, type KernelModule } from './kernel-module.js'
import { compileLoop } from './loop.js'
import { arrangeMatmul, foldBatches } from './matmul-arrange.js'
import { PANEL } from './microkernel.js'
import { packPanel, packRows } from './packing.js'
import { sumPanel } from './panel-sums.js'
import { Odometer, Pointers } from './pointers.js'
import { compileSkinnyMatmul, isSkinny } from './skinny-matmul.js'
import { tileProduct } from './tile.js'
import { epilogueMap, prologueMap, TileMap } from './tile-map.js'
import { compileTransposedMatmul, isTransposedSkinny } from './transposed-matmul.js'

/** Steps of k for which a panel (16 KiB) stays in the first-level cache. */
const K_BLOCK = 256
/** Columns of a tile: rows of A are packed once for them all. */
export const N_BLOCK = 256
const M_BLOCK = 64
/** Fewer tiles than this leave threads without work. */
const MIN_TILES = 32

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

export function compileMatmul(module: KernelModule, kernel: MatmulKernel): CompiledKernel {
  const folded = foldBatches(kernel)
  if (isSkinny(folded)) return compileSkinnyMatmul(module, folded)
  if (isTransposedSkinny(folded)) return compileTransposedMatmul(module, folded)
  const guarded = kernel.a.guards !== undefined || kernel.b.guards !== undefined
  if (kernel.k === 0 || kernel.m === 1 || kernel.n === 1 || guarded) return compileLoop(module, asReduction(kernel))
  if ([...kernel.batch, kernel.m, kernel.n].includes(0)) return { phases: [], sharedBytes: 0, threadBytes: 0 }
  return new MatmulCode(module, arrangeMatmul(kernel)).compile()
}

/** The product as a loop over [...batch, m, n] that sums over k. */
function asReduction(kernel: MatmulKernel): LoopKernel {
  const rank = kernel.batch.length
  const [m, n, k] = [rank, rank + 1, rank + 2]
  const spread = (access: Access, axes: readonly number[]): Access => {
    const strides = new Array<number>(rank + 3).fill(0)
    access.strides.forEach((stride, d) => (strides[d < rank ? d : axes[d - rank]] = stride))
    return { ...access, strides, ...(access.guards === undefined ? {} : { guards: access.guards.map(guard => ({ ...guard, axis: guard.axis < rank ? guard.axis : axes[guard.axis - rank] })) }) }
  }
  const head: readonly Instruction[] = [
    { fn: 'load', access: spread(kernel.a, [m, k]), dtype: 'f32' },
    { fn: 'load', access: spread(kernel.b, [k, n]), dtype: 'f32' },
    { fn: 'mul', args: [0, 1], dtype: 'f32' },
    { fn: 'reduce', reduce: 'sum', args: [2], dtype: 'f32' },
  ]
  const epilogue = kernel.body.map((instruction): Instruction => {
    if (instruction.fn === 'head') return { fn: 'cast', args: [3], dtype: 'f32' }
    const moved = 'args' in instruction ? { ...instruction, args: instruction.args.map(arg => arg + head.length) } : instruction
    return moved.fn === 'load' || moved.fn === 'gather' ? { ...moved, access: spread(moved.access, [m, n]) } : moved
  })
  return {
    kind: 'loop',
    bindings: kernel.bindings,
    shape: [...kernel.batch, kernel.m, kernel.n, kernel.k],
    reduced: 1,
    body: [...head, ...epilogue],
    results: kernel.results.map(({ value, access }) => ({ value: value + head.length, access: spread(access, [m, n]) })),
  }
}

class MatmulCode {
  readonly #module: KernelModule
  readonly #kernel: MatmulKernel
  readonly #panels: number
  readonly #mBlock: number
  readonly #nBlock: number
  readonly #kBlock: number
  /** Rows of A are laid out anew, k contiguous, before they are multiplied. */
  readonly #packsA: boolean
  /** …because they lie otherwise, not only because they are computed. */
  readonly #gathersA: boolean
  /** Batch axes along which B differs. */
  readonly #bAxes: readonly number[]

  constructor(module: KernelModule, kernel: MatmulKernel) {
    const rank = kernel.batch.length
    this.#module = module
    this.#kernel = kernel
    this.#panels = Math.ceil(kernel.n / PANEL)
    this.#gathersA = kernel.a.strides[rank + 1] !== 1
    this.#packsA = this.#gathersA || kernel.prologue?.a !== undefined
    this.#bAxes = kernel.batch.flatMap((_, axis) => (kernel.b.strides[axis] === 0 ? [] : [axis]))
    // equal blocks of k rather than a full one and a small rest; in whole vectors, which arithmetic on packed rows takes for granted
    this.#kBlock = 4 * Math.ceil(kernel.k / Math.ceil(kernel.k / K_BLOCK) / 4)
    let mBlock = Math.min(M_BLOCK, 2 * Math.ceil(kernel.m / 2))
    let nBlock = Math.min(N_BLOCK, this.#panels * PANEL)
    const tiles = (): number => product(kernel.batch) * Math.ceil(kernel.m / mBlock) * Math.ceil(kernel.n / nBlock)
    while (tiles() < MIN_TILES && mBlock > 16) mBlock = 2 * Math.ceil(mBlock / 4)
    while (tiles() < MIN_TILES && nBlock > 64) nBlock = PANEL * Math.ceil(nBlock / (2 * PANEL))
    this.#mBlock = mBlock
    this.#nBlock = nBlock
  }

  compile(): CompiledKernel {
    const { k, m, n, batch } = this.#kernel
    const matrices = product(this.#bAxes.map(axis => batch[axis]))
    const tiles = product(batch) * Math.ceil(m / this.#mBlock) * Math.ceil(n / this.#nBlock)
    const tileCost = (Math.min(m, this.#mBlock) * Math.min(this.#panels * PANEL, this.#nBlock) * k) / 3
    return {
      phases: [phase(this.#packB(), matrices * this.#panels, k * 12), phase(this.#multiply(), tiles, tileCost)],
      sharedBytes: matrices * this.#panels * k * PANEL * 4,
      threadBytes: this.#tileBytes + (this.#packsA ? this.#mBlock * this.#kBlock * 4 : 0),
    }
  }

  get #tileBytes(): number {
    return this.#mBlock * this.#nBlock * 4
  }

  #packB(): string {
    const f = new FunctionBuilder(PHASE_PARAMS)
    const { b, batch, k, n, bindings } = this.#kernel
    const rank = batch.length
    const frame = f.param('i32', FRAME)
    const bases = bindings.map((_, i) => i32.load(frame, 4 * (i + 1)))
    const unit = f.keep(f.param('i32', BEGIN))
    const matrix = new Odometer(f, batch, this.#bAxes)
    const pointers = new Pointers(f, [b])
    const prologue = prologueMap(this.#kernel, 'b', PANEL)
    const transform = prologue === null ? null : new TileMap(f, this.#module, prologue, PANEL)
    f.repeat(
      () => {
        f.scope(() => {
          const panel = f.keep(i32.remU(unit, i32.const(this.#panels)))
          matrix.seek(i32.divU(unit, i32.const(this.#panels)))
          const first = f.keep(i32.mul(panel, i32.const(PANEL)))
          pointers.seek(bases, new Map<number, I32>([...matrix.counters, [rank + 1, first]]))
          const to = i32.add(i32.load(frame), i32.mul(unit, i32.const(k * PANEL * 4)))
          const columns = f.keep(minS(i32.const(PANEL), i32.sub(i32.const(n), first)))
          const at = f.keep(to)
          f.do(callEffect(packPanel(this.#module), at, pointers.of(b), i32.const(b.strides[rank] * 4), i32.const(b.strides[rank + 1] * 4), i32.const(k), columns))
          transform?.emit(bases, at, matrix.counters, { rowFirst: f.keep(i32.const(0)), columnFirst: first, rows: f.keep(i32.const(k)), columns })
          for (const sums of this.#kernel.columnSums ?? []) {
            const target = i32.add(bases[sums.binding], i32.add(i32.const(sums.offset * 4), i32.mul(first, i32.const(sums.strides[0] * 4))))
            f.do(callEffect(sumPanel(this.#module), target, i32.const(sums.strides[0] * 4), at, i32.const(k), columns, f.param('i32', SCRATCH)))
          }
        })
        f.set(unit, i32.add(unit, i32.const(1)))
      },
      () => i32.ltU(unit, f.param('i32', END)),
    )
    return this.#export(f)
  }

  #export(f: FunctionBuilder): string {
    const exported = this.#module.exportName()
    this.#module.builder.add(f, { exported })
    return exported
  }

  #multiply(): string {
    const f = new FunctionBuilder(PHASE_PARAMS)
    const { a, batch, m, n, bindings } = this.#kernel
    const rank = batch.length
    const frame = f.param('i32', FRAME)
    const tile = f.param('i32', SCRATCH)
    const bases = bindings.map((_, i) => f.keep(i32.load(frame, 4 * (i + 1))))
    const unit = f.keep(f.param('i32', BEGIN))
    const index = new Odometer(f, batch, batch.map((_, axis) => axis))
    const pointers = new Pointers(f, [a])
    const epilogue = new TileMap(f, this.#module, epilogueMap(this.#kernel, this.#nBlock), this.#nBlock)
    const prologue = prologueMap(this.#kernel, 'a', this.#kBlock, { direct: !this.#gathersA })
    const transform = prologue === null ? null : new TileMap(f, this.#module, prologue, this.#kBlock)
    const mBlocks = Math.ceil(m / this.#mBlock)
    const nBlocks = Math.ceil(n / this.#nBlock)
    f.repeat(
      () => {
        f.scope(() => {
          // columns outermost: neighbouring units share panels of B
          const mFirst = f.keep(i32.mul(i32.remU(unit, i32.const(mBlocks)), i32.const(this.#mBlock)))
          const rest = f.keep(i32.divU(unit, i32.const(mBlocks)))
          const nFirst = f.keep(i32.mul(i32.remU(rest, i32.const(nBlocks)), i32.const(this.#nBlock)))
          index.seek(i32.divU(rest, i32.const(nBlocks)))
          pointers.seek(bases, new Map<number, I32>([...index.counters, [rank, mFirst]]))
          const rows = f.keep(minS(i32.const(this.#mBlock), i32.sub(i32.const(m), mFirst)))
          const columns = f.keep(minS(i32.const(this.#nBlock), i32.sub(i32.const(n), nFirst)))
          const panels = f.keep(i32.add(i32.load(frame), i32.mul(this.#firstPanel(index, nFirst), i32.const(this.#kernel.k * PANEL * 4))))
          this.#tile(f, pointers.of(a), panels, tile, rows, columns, (packed, kFirst, steps) =>
            transform?.emit(bases, packed, index.counters, { rowFirst: mFirst, columnFirst: kFirst, rows, columns: steps }))
          epilogue.emit(bases, tile, index.counters, { rowFirst: mFirst, columnFirst: nFirst, rows, columns })
        })
        f.set(unit, i32.add(unit, i32.const(1)))
      },
      () => i32.ltU(unit, f.param('i32', END)),
    )
    return this.#export(f)
  }

  /** Number of the panel that begins at column `nFirst` of the batch's B. */
  #firstPanel(index: Odometer, nFirst: I32): I32 {
    let matrix: I32 = i32.const(0)
    for (const axis of this.#bAxes) {
      const counter = index.counters.get(axis)
      if (counter !== undefined) matrix = i32.add(i32.mul(matrix, i32.const(this.#kernel.batch[axis])), counter)
    }
    return i32.add(i32.mul(matrix, i32.const(this.#panels)), i32.shrU(nFirst, i32.const(Math.log2(PANEL))))
  }

  /** tile[rows][columns] = A · B over all of k, block by block. `transform` is done to packed rows of A, from step `kFirst` on. */
  #tile(f: FunctionBuilder, aFirst: Local<'i32'>, panels: Local<'i32'>, tile: Local<'i32'>, rows: Local<'i32'>, columns: Local<'i32'>, transform: (packed: I32, kFirst: Local<'i32'>, steps: Local<'i32'>) => void): void {
    const { a, k, batch } = this.#kernel
    const [mBytes, kBytes] = a.strides.slice(batch.length).map(stride => stride * 4)
    const kFirst = f.keep(i32.const(0))
    const packed = i32.add(tile, i32.const(this.#tileBytes))
    const from = f.keep(aFirst)
    const panelPart = f.keep(panels)
    f.repeat(
      () => {
        const steps = f.keep(minS(i32.const(this.#kBlock), i32.sub(i32.const(k), kFirst)))
        if (this.#gathersA) f.do(callEffect(packRows(this.#module), packed, i32.const(this.#kBlock * 4), from, i32.const(mBytes), i32.const(kBytes), rows, steps))
        transform(packed, kFirst, steps)
        tileProduct(f, this.#module, {
          a: this.#packsA ? packed : from,
          aRowBytes: this.#packsA ? this.#kBlock * 4 : mBytes,
          rows,
          panels: panelPart,
          panelBytes: k * PANEL * 4,
          columns,
          c: tile,
          cRowBytes: this.#nBlock * 4,
          k: steps,
          accumulate: kFirst,
        })
        f.set(from, i32.add(from, i32.const(this.#kBlock * kBytes)))
        f.set(panelPart, i32.add(panelPart, i32.const(this.#kBlock * PANEL * 4)))
        f.set(kFirst, i32.add(kFirst, i32.const(this.#kBlock)))
      },
      () => i32.ltS(kFirst, i32.const(k)),
    )
  }
}
