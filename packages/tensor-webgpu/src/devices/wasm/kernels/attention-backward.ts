// Gradients of attention: probabilities recomputed from lse, block by block. One pass walks keys for each block of queries (dq), the other
// walks queries for each block of keys (dk, dv), so that every gradient is summed by one thread in one order.
import type { AttentionBackwardKernel, Access } from '../../../plan/kernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { callEffect } from '../emit/module-builder.js'
import { i32, maxS, minS } from '../emit/scalar.js'
import { f32x4, v128 } from '../emit/simd.js'
import type { I32, V128 } from '../emit/value.js'
import { expFlushed } from '../math/exponential.js'
import { loadVisible, overUnits, PackedOperands, panelsOf, ScoreRow, visibleScores, type Bases, type PackedOperand } from './attention-layout.js'
import { phase, SCRATCH, type CompiledKernel, type KernelModule } from './kernel-module.js'
import { storeLanes } from './lanes.js'
import { PANEL } from './microkernel.js'
import { packRows } from './packing.js'
import { tileProduct } from './tile.js'

/** Rows of a block that a unit owns, and length of the blocks that pass by. */
const OWN = 16
const PASSING = 64
const SCORE_ROW = PASSING * 4
const SCORES_BYTES = OWN * SCORE_ROW

export function compileAttentionBackward(module: KernelModule, kernel: AttentionBackwardKernel): CompiledKernel {
  if (kernel.batch * kernel.heads === 0) return { phases: [], sharedBytes: 0, threadBytes: 0 }
  return new BackwardCode(module, kernel).compile()
}

/** A block of queries (for dq) or of keys (for dk and dv), and the head whose other side passes by. */
interface Pass {
  readonly batch: Local<'i32'>
  readonly head: Local<'i32'>
  readonly group: I32
  readonly own: Local<'i32'>
  readonly rows: Local<'i32'>
  readonly byQueries: boolean
}

interface Rows {
  readonly at: Local<'i32'>
  readonly rowBytes: number
}

class BackwardCode {
  readonly #module: KernelModule
  readonly #kernel: AttentionBackwardKernel
  readonly #packed: PackedOperands
  readonly #panels: Record<'kRows' | 'vRows' | 'kColumns' | 'qRows' | 'dOutRows' | 'qColumns' | 'dOutColumns', PackedOperand>
  /** Columns of a gradient tile. */
  readonly #width: number
  readonly #tileBytes: number

  constructor(module: KernelModule, kernel: AttentionBackwardKernel) {
    const { k, v, q, dOut, heads, kvHeads, keys, queries } = kernel
    this.#module = module
    this.#kernel = kernel
    this.#panels = {
      kRows: { access: k, panels: 'rows', heads: kvHeads, rows: keys },
      vRows: { access: v, panels: 'rows', heads: kvHeads, rows: keys },
      kColumns: { access: k, panels: 'columns', heads: kvHeads, rows: keys },
      qRows: { access: q, panels: 'rows', heads, rows: queries },
      dOutRows: { access: dOut, panels: 'rows', heads, rows: queries },
      qColumns: { access: q, panels: 'columns', heads, rows: queries },
      dOutColumns: { access: dOut, panels: 'columns', heads, rows: queries },
    }
    this.#packed = new PackedOperands(module, kernel.bindings, kernel, Object.values(this.#panels))
    this.#width = panelsOf(kernel.headSize) * PANEL
    this.#tileBytes = OWN * this.#width * 4
  }

  /** Thread scratch: scores (then p), their gradients (then ds), two gradient tiles, and copies of rows that are not contiguous. */
  get #offsets(): { readonly gradient: number; readonly first: number; readonly second: number; readonly copies: number; readonly end: number } {
    const first = 2 * SCORES_BYTES
    const copies = first + 2 * this.#tileBytes
    return { gradient: SCORES_BYTES, first, second: first + this.#tileBytes, copies, end: copies + 2 * OWN * this.#kernel.headSize * 4 }
  }

  compile(): CompiledKernel {
    const { batch, heads, kvHeads, queries, keys, headSize, causal, bindings } = this.#kernel
    const [queryBlocks, keyBlocks] = [Math.ceil(queries / OWN), Math.ceil(keys / OWN)]
    const pair = (causal ? 0.5 : 1) * OWN * (headSize * 0.75 + 12)
    const phases = this.#packed.phases().map(pack => phase(pack.exported, pack.units, pack.cost))
    if (queryBlocks > 0) {
      const dq = overUnits(this.#module, [batch, heads, queryBlocks], bindings, (f, bases, index) => this.#queryGradient(f, bases, index))
      phases.push(phase(dq, batch * heads * queryBlocks, pair * keys))
    }
    if (keyBlocks > 0) {
      const dkv = overUnits(this.#module, [batch, kvHeads, keyBlocks], bindings, (f, bases, index) => this.#keyGradients(f, bases, index))
      phases.push(phase(dkv, batch * kvHeads * keyBlocks, ((pair * queries * heads) / kvHeads) * 1.3))
    }
    return { phases, sharedBytes: this.#packed.bytes, threadBytes: this.#offsets.end }
  }

  #at(f: FunctionBuilder, offset: number): Local<'i32'> {
    return f.keep(i32.add(f.param('i32', SCRATCH), i32.const(offset)))
  }

  #queryGradient(f: FunctionBuilder, bases: Bases, [batch, head, number]: readonly Local<'i32'>[]): void {
    const { queries, keys, heads, kvHeads, causal, q, dOut, dq } = this.#kernel
    const own = f.keep(i32.mul(number, i32.const(OWN)))
    const rows = f.keep(minS(i32.const(OWN), i32.sub(i32.const(queries), own)))
    const group = f.keep(i32.divU(i32.mul(head, i32.const(kvHeads)), i32.const(heads)))
    const pass: Pass = { batch, head, group, own, rows, byQueries: true }
    const tile = this.#at(f, this.#offsets.first)
    this.#clear(f, tile, this.#tileBytes)
    const qRows = this.#rows(f, bases.at(q, batch, head, own), q, rows, 0)
    const dOutRows = this.#rows(f, bases.at(dOut, batch, head, own), dOut, rows, 1)
    const lastSeen = i32.add(i32.add(own, rows), i32.const(keys - queries))
    const end = f.keep(causal ? maxS(i32.const(0), minS(i32.const(keys), lastSeen)) : i32.const(keys))
    this.#passBy(f, i32.const(0), end, (first, count) => {
      this.#scores(f, bases, pass, qRows, dOutRows, 'kRows', 'vRows', group, first, count)
      this.#accumulate(f, bases, pass, this.#offsets.gradient, 'kColumns', group, first, count, tile)
    })
    this.#store(f, tile, bases.at(dq, batch, head, own), dq, rows)
  }

  #keyGradients(f: FunctionBuilder, bases: Bases, [batch, group, number]: readonly Local<'i32'>[]): void {
    const { queries, keys, heads, kvHeads, causal, k, v, dk, dv } = this.#kernel
    const own = f.keep(i32.mul(number, i32.const(OWN)))
    const rows = f.keep(minS(i32.const(OWN), i32.sub(i32.const(keys), own)))
    const [kTile, vTile] = [this.#at(f, this.#offsets.first), this.#at(f, this.#offsets.second)]
    this.#clear(f, kTile, 2 * this.#tileBytes)
    const kRows = this.#rows(f, bases.at(k, batch, group, own), k, rows, 0)
    const vRows = this.#rows(f, bases.at(v, batch, group, own), v, rows, 1)
    // heads h with floor(h · kvHeads / heads) = group
    const head = f.keep(ceilDivide(i32.mul(group, i32.const(heads)), kvHeads))
    const headEnd = f.keep(ceilDivide(i32.mul(i32.add(group, i32.const(1)), i32.const(heads)), kvHeads))
    f.while(
      () => i32.ltS(head, headEnd),
      () => {
        const pass: Pass = { batch, head, group, own, rows, byQueries: false }
        // the first query that sees any key of the block, rounded down so that panels of 16 stay whole
        const firstSeen = i32.and(maxS(i32.const(0), i32.sub(own, i32.const(keys - queries))), i32.const(-PANEL))
        this.#passBy(f, causal ? firstSeen : i32.const(0), i32.const(queries), (first, count) => {
          this.#scores(f, bases, pass, kRows, vRows, 'qRows', 'dOutRows', head, first, count)
          this.#accumulate(f, bases, pass, 0, 'dOutColumns', head, first, count, vTile)
          this.#accumulate(f, bases, pass, this.#offsets.gradient, 'qColumns', head, first, count, kTile)
      })
        f.set(head, i32.add(head, i32.const(1)))
      },
    )
    this.#store(f, kTile, bases.at(dk, batch, group, own), dk, rows)
    this.#store(f, vTile, bases.at(dv, batch, group, own), dv, rows)
  }

  #passBy(f: FunctionBuilder, from: I32, end: I32, body: (first: Local<'i32'>, count: Local<'i32'>) => void): void {
    f.scope(() => {
      const first = f.keep(from)
      f.while(
        () => i32.ltS(first, end),
        () => {
          f.scope(() => body(first, f.keep(minS(i32.const(PASSING), i32.sub(end, first)))))
          f.set(first, i32.add(first, i32.const(PASSING)))
        },
      )
    })
  }

  /** Scratch of scores := p and of gradients := ds, for the unit's rows against `count` of the other side from `first`. */
  #scores(
    f: FunctionBuilder, bases: Bases, pass: Pass, left: Rows, leftGradient: Rows, right: 'kRows' | 'qRows', rightGradient: 'vRows' | 'dOutRows',
    rightHead: I32, first: Local<'i32'>, count: Local<'i32'>,
  ): void {
    const { headSize } = this.#kernel
    for (const [rows, operand, offset] of [[left, this.#panels[right], 0], [leftGradient, this.#panels[rightGradient], this.#offsets.gradient]] as const)
      tileProduct(f, this.#module, {
        a: rows.at, aRowBytes: rows.rowBytes, rows: pass.rows, panels: i32.add(this.#packed.head(bases, operand, pass.batch, rightHead), i32.mul(first, i32.const(headSize * 4))),
        panelBytes: this.#packed.panelBytes(operand), columns: count, c: this.#at(f, offset), cRowBytes: SCORE_ROW, k: i32.const(headSize), accumulate: i32.const(0),
      })
    this.#differentiateRows(f, bases, pass, first, count)
  }

  #differentiateRows(f: FunctionBuilder, bases: Bases, pass: Pass, first: Local<'i32'>, count: Local<'i32'>): void {
    const { lse, delta, mask, bindings, causal, keys, queries } = this.#kernel
    const { batch, head, own, rows, byQueries } = pass
    const query = byQueries ? own : first
    const [lseAt, deltaAt] = [bases.at(lse, batch, head, query), bases.at(delta, batch, head, query)]
    const maskAt = mask === null ? null : bases.at(mask, batch, head, query, byQueries ? first : own)
    const [scores, row] = [this.#at(f, 0), f.keep(i32.const(0))]
    f.repeat(
      () => {
        f.scope(() => {
          // lanes visible to this row: keys up to the query's, or queries from the key's
          const index = i32.add(own, row)
          const seenKeys = i32.sub(i32.add(index, i32.const(keys - queries + 1)), first)
          const seenQueries = i32.sub(i32.sub(index, i32.const(keys - queries)), first)
          const from = f.keep(causal && !byQueries ? maxS(i32.const(0), seenQueries) : i32.const(0))
          const end = f.keep(causal && byQueries ? minS(count, seenKeys) : count)
          const laneMask = mask === null || maskAt === null ? null : { pointer: maskAt, stride: mask.strides[byQueries ? 3 : 2], dtype: bindings[mask.binding].dtype }
          this.#differentiateRow(f, scores, from, end, count, laneMask, [lseAt, deltaAt], byQueries)
      })
        f.set(row, i32.add(row, i32.const(1)))
        f.set(scores, i32.add(scores, i32.const(SCORE_ROW)))
        if (byQueries) for (const [at, access] of [[lseAt, lse], [deltaAt, delta]] as const) f.set(at, i32.add(at, i32.const(access.strides[2] * 4)))
        if (mask !== null && maskAt !== null) f.set(maskAt, i32.add(maskAt, i32.const(mask.strides[byQueries ? 2 : 3] * 4)))
      },
      () => i32.ltS(row, rows),
    )
  }

  /** p = exp(score - lse) and ds = p (dp - delta) scale on one row; lse and delta belong to the row, or to its lanes. */
  #differentiateRow(
    f: FunctionBuilder, scores: Local<'i32'>, from: Local<'i32'>, end: Local<'i32'>, count: Local<'i32'>, mask: Parameters<typeof visibleScores>[6],
    [lseAt, deltaAt]: readonly Local<'i32'>[], byQueries: boolean,
  ): void {
    const { scale, lse, delta } = this.#kernel
    const walk = new ScoreRow(f, scores)
    const perRow = byQueries ? [f.keep(v128.load32Splat(lseAt)), f.keep(v128.load32Splat(deltaAt))] : null
    const finish = (at: Local<'i32'>, visible: V128, rowLse: V128, rowDelta: V128): void => {
      const p = f.keep(expFlushed(f, f.keep(f32x4.sub(visible, rowLse))))
      const dp = f32x4.sub(v128.load(at, SCORES_BYTES), rowDelta)
      f.do(v128.store(at, p))
      f.do(v128.store(at, f32x4.mul(f32x4.mul(p, dp), f32x4.const(scale)), SCORES_BYTES))
    }
    const masked = (at: Local<'i32'>, lane: Local<'i32'>): void => {
      const lanesOfQueries = (pointer: Local<'i32'>, access: Access): Local<'v128'> => loadVisible(f, { pointer, stride: access.strides[2] }, lane, i32.const(0), count)
      const [rowLse, rowDelta] = perRow ?? [lanesOfQueries(lseAt, lse), lanesOfQueries(deltaAt, delta)]
      finish(at, visibleScores(f, at, scale, lane, from, end, mask), rowLse, rowDelta)
    }
    // vectors that are visible in every lane, if no mask says otherwise, stand between those that are not
    const plain = mask === null && (byQueries || (lse.strides[2] === 1 && delta.strides[2] === 1))
    if (plain) {
      walk.over(from, masked)
      const wholeEnd = f.keep(i32.and(end, i32.const(-4)))
      walk.over(wholeEnd, (at, lane) => {
        const laneBytes = i32.shl(lane, i32.const(2))
        const rowLse = perRow?.[0] ?? v128.load(i32.add(lseAt, laneBytes))
        const rowDelta = perRow?.[1] ?? v128.load(i32.add(deltaAt, laneBytes))
        finish(at, f32x4.mul(v128.load(at), f32x4.const(scale)), rowLse, rowDelta)
      })
    }
    walk.over(count, masked)
  }

  /** tile += (p or ds, at `left` in scratch) · the other side's columns. */
  #accumulate(
    f: FunctionBuilder, bases: Bases, pass: Pass, left: number, columns: 'kColumns' | 'qColumns' | 'dOutColumns', head: I32, first: I32, count: I32, tile: Local<'i32'>,
  ): void {
    const operand = this.#panels[columns]
    tileProduct(f, this.#module, {
      a: this.#at(f, left), aRowBytes: SCORE_ROW, rows: pass.rows, panels: i32.add(this.#packed.head(bases, operand, pass.batch, head), i32.mul(first, i32.const(PANEL * 4))),
      panelBytes: this.#packed.panelBytes(operand), columns: i32.const(this.#width), c: tile, cRowBytes: this.#width * 4, k: count, accumulate: i32.const(1),
    })
  }

  #clear(f: FunctionBuilder, start: Local<'i32'>, bytes: number): void {
    const at = f.keep(start)
    f.repeat(
      () => {
        f.do(v128.store(at, f32x4.const(0)))
        f.set(at, i32.add(at, i32.const(16)))
      },
      () => i32.ne(at, i32.add(start, i32.const(bytes))),
    )
  }

  /** Rows contiguous along D: where they are, or a copy. */
  #rows(f: FunctionBuilder, from: Local<'i32'>, { strides }: Access, rows: I32, copy: number): Rows {
    const { headSize } = this.#kernel
    if (strides[3] === 1) return { at: from, rowBytes: strides[2] * 4 }
    const to = this.#at(f, this.#offsets.copies + copy * OWN * headSize * 4)
    f.do(callEffect(packRows(this.#module), to, i32.const(headSize * 4), from, i32.const(strides[2] * 4), i32.const(strides[3] * 4), rows, i32.const(headSize)))
    return { at: to, rowBytes: headSize * 4 }
  }

  #store(f: FunctionBuilder, tile: Local<'i32'>, to: Local<'i32'>, { strides }: Access, rows: I32): void {
    const { headSize } = this.#kernel
    const row = f.keep(i32.const(0))
    const source = f.keep(tile)
    f.repeat(
      () => {
        f.scope(() => {
          const [d, from, target] = [f.keep(i32.const(0)), f.keep(source), f.keep(to)]
          const store = (count: number): void => f.scope(() => storeLanes(f, { pointer: target, stride: strides[3], first: 0, count, wild: false }, f.keep(v128.load(from))))
          f.while(
            () => i32.leS(i32.add(d, i32.const(4)), i32.const(headSize)),
            () => {
              store(4)
              f.set(d, i32.add(d, i32.const(4)))
              f.set(from, i32.add(from, i32.const(16)))
              f.set(target, i32.add(target, i32.const(16 * strides[3])))
            },
          )
          if (headSize % 4 > 0) store(headSize % 4)
      })
        f.set(row, i32.add(row, i32.const(1)))
        f.set(source, i32.add(source, i32.const(this.#width * 4)))
        f.set(to, i32.add(to, i32.const(strides[2] * 4)))
      },
      () => i32.ltS(row, rows),
    )
  }
}

const ceilDivide = (a: I32, b: number): I32 => i32.divU(i32.add(a, i32.const(b - 1)), i32.const(b))
