// Attention forward by online softmax (FlashAttention): for a block of queries, keys pass block by block; scores live in scratch only.
import type { AttentionKernel } from '../../../plan/kernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { callEffect } from '../emit/module-builder.js'
import { f32, i32, maxS, minS } from '../emit/scalar.js'
import { f32x4, v128 } from '../emit/simd.js'
import type { I32 } from '../emit/value.js'
import { expFlushed } from '../math/exponential.js'
import { log } from '../math/logarithm.js'
import { keyLength, overUnits, PackedOperands, panelsOf, ScoreRow, visibleScores, type Bases, type PackedOperand } from './attention-layout.js'
import { compileAttentionRows, suitsRows } from './attention-rows.js'
import { phase, SCRATCH, type CompiledKernel, type KernelModule } from './kernel-module.js'
import { storeLanes } from './lanes.js'
import { PANEL } from './microkernel.js'
import { packRows } from './packing.js'
import { acrossLanes } from './reduction.js'
import { tileProduct } from './tile.js'

const QUERY_BLOCK = 16
const KEY_BLOCK = 256
const SCORE_ROW = KEY_BLOCK * 4
/** Below any score, but finite: -inf - -inf is NaN. */
const LOWEST = -3e38

export function compileAttention(module: KernelModule, kernel: AttentionKernel): CompiledKernel {
  if (kernel.batch * kernel.heads * kernel.queries === 0) return { phases: [], sharedBytes: 0, threadBytes: 0 }
  return suitsRows(kernel) ? compileAttentionRows(module, kernel) : new AttentionCode(module, kernel).compile()
}

interface Block {
  readonly batch: Local<'i32'>
  readonly head: Local<'i32'>
  /** First query, and how many. */
  readonly first: Local<'i32'>
  readonly rows: Local<'i32'>
}

class AttentionCode {
  readonly #module: KernelModule
  readonly #kernel: AttentionKernel
  readonly #keys: PackedOperand
  readonly #values: PackedOperand
  readonly #packed: PackedOperands
  /** Columns of the output tile. */
  readonly #width: number

  constructor(module: KernelModule, kernel: AttentionKernel) {
    this.#module = module
    this.#kernel = kernel
    this.#keys = { access: kernel.k, panels: 'rows', heads: kernel.kvHeads, rows: kernel.keys }
    this.#values = { access: kernel.v, panels: 'columns', heads: kernel.kvHeads, rows: kernel.keys }
    this.#packed = new PackedOperands(module, kernel.bindings, kernel, [this.#keys, this.#values])
    this.#width = panelsOf(kernel.headSize) * PANEL
  }

  compile(): CompiledKernel {
    const { batch, heads, queries, keys, headSize, causal } = this.#kernel
    const blocks = Math.ceil(queries / QUERY_BLOCK)
    const exported = overUnits(this.#module, [batch, heads, blocks], this.#kernel.bindings, (f, bases, index) => this.#block(f, bases, index))
    const cost = Math.min(queries, QUERY_BLOCK) * keys * (causal ? 0.5 : 1) * (headSize / 2 + 10)
    return {
      phases: [...this.#packed.phases().map(pack => phase(pack.exported, pack.units, pack.cost)), phase(exported, batch * heads * blocks, cost)],
      sharedBytes: this.#packed.bytes,
      threadBytes: this.#offsets.end,
    }
  }

  /** Thread scratch: scores, output tile, each row's maximum and sum, and a copy of queries that are not contiguous. */
  get #offsets(): { readonly output: number; readonly state: number; readonly queries: number; readonly end: number } {
    const output = QUERY_BLOCK * SCORE_ROW
    const state = output + QUERY_BLOCK * this.#width * 4
    const queries = state + QUERY_BLOCK * 8
    return { output, state, queries, end: queries + QUERY_BLOCK * this.#kernel.headSize * 4 }
  }

  #block(f: FunctionBuilder, bases: Bases, [batch, head, number]: readonly Local<'i32'>[]): void {
    const { queries, heads, kvHeads, causal } = this.#kernel
    const scratch = f.param('i32', SCRATCH)
    const first = f.keep(i32.mul(number, i32.const(QUERY_BLOCK)))
    const rows = f.keep(minS(i32.const(QUERY_BLOCK), i32.sub(i32.const(queries), first)))
    const block: Block = { batch, head, first, rows }
    const group = f.keep(i32.divU(i32.mul(head, i32.const(kvHeads)), i32.const(heads)))
    this.#reset(f, rows)
    const query = this.#queryRows(f, bases, block)
    // a causal block ends with what its last row may see
    const keys = keyLength(f, bases, this.#kernel, batch)
    const lastSeen = f.keep(i32.add(i32.add(first, rows), i32.sub(keys, i32.const(queries))))
    const end = f.keep(causal ? maxS(i32.const(0), minS(keys, lastSeen)) : keys)
    const key = f.keep(i32.const(0))
    const output = f.keep(i32.add(scratch, i32.const(this.#offsets.output)))
    const keyPanels = f.keep(this.#packed.head(bases, this.#keys, batch, group))
    const valuePanels = f.keep(this.#packed.head(bases, this.#values, batch, group))
    f.while(
      () => i32.ltS(key, end),
      () => {
        f.scope(() => {
          const count = f.keep(minS(i32.const(KEY_BLOCK), i32.sub(end, key)))
          const { headSize } = this.#kernel
          tileProduct(f, this.#module, {
            a: query.at, aRowBytes: query.rowBytes, rows, panels: keyPanels, panelBytes: headSize * PANEL * 4, columns: count, c: scratch,
            cRowBytes: SCORE_ROW, k: i32.const(headSize), accumulate: i32.const(0),
          })
          this.#softmaxRows(f, bases, block, { key, count, keys })
          tileProduct(f, this.#module, {
            a: scratch, aRowBytes: SCORE_ROW, rows, panels: valuePanels, panelBytes: this.#packed.panelBytes(this.#values), columns: i32.const(this.#width),
            c: output, cRowBytes: this.#width * 4, k: count, accumulate: i32.const(1),
          })
          f.set(key, i32.add(key, i32.const(KEY_BLOCK)))
          f.set(keyPanels, i32.add(keyPanels, i32.const((KEY_BLOCK / PANEL) * headSize * PANEL * 4)))
          f.set(valuePanels, i32.add(valuePanels, i32.const(KEY_BLOCK * PANEL * 4)))
        })
      },
    )
    this.#finish(f, bases, block)
  }

  #reset(f: FunctionBuilder, rows: I32): void {
    const scratch = f.param('i32', SCRATCH)
    const at = f.keep(i32.add(scratch, i32.const(this.#offsets.output)))
    const end = f.keep(i32.add(at, i32.mul(i32.and(i32.add(rows, i32.const(1)), i32.const(-2)), i32.const(this.#width * 4))))
    f.repeat(
      () => {
        f.do(v128.store(at, f32x4.const(0)))
        f.set(at, i32.add(at, i32.const(16)))
      },
      () => i32.ne(at, end),
    )
    const row = f.keep(i32.const(0))
    const state = f.keep(i32.add(scratch, i32.const(this.#offsets.state)))
    f.repeat(
      () => {
        f.do(f32.store(state, f32.const(LOWEST)))
        f.do(f32.store(state, f32.const(0), 4))
        f.set(state, i32.add(state, i32.const(8)))
        f.set(row, i32.add(row, i32.const(1)))
      },
      () => i32.ltS(row, rows),
    )
  }

  #queryRows(f: FunctionBuilder, bases: Bases, { batch, head, first, rows }: Block): { readonly at: Local<'i32'>; readonly rowBytes: number } {
    const { q, headSize } = this.#kernel
    const from = bases.at(q, batch, head, first)
    const [rowBytes, dBytes] = [q.strides[2] * 4, q.strides[3] * 4]
    if (dBytes === 4) return { at: from, rowBytes }
    const to = f.keep(i32.add(f.param('i32', SCRATCH), i32.const(this.#offsets.queries)))
    f.do(callEffect(packRows(this.#module), to, i32.const(headSize * 4), from, i32.const(rowBytes), i32.const(dBytes), rows, i32.const(headSize)))
    return { at: to, rowBytes: headSize * 4 }
  }

  /** Scores of each row become probabilities relative to the row's maximum so far; what came before is rescaled to it. */
  #softmaxRows(f: FunctionBuilder, bases: Bases, { batch, head, first, rows }: Block, { key, count, keys }: Record<'key' | 'count' | 'keys', Local<'i32'>>): void {
    const { mask, bindings, causal, queries } = this.#kernel
    const scratch = f.param('i32', SCRATCH)
    const row = f.keep(i32.const(0))
    const scores = f.keep(scratch)
    const output = f.keep(i32.add(scratch, i32.const(this.#offsets.output)))
    const state = f.keep(i32.add(scratch, i32.const(this.#offsets.state)))
    const maskAt = mask === null ? null : bases.at(mask, batch, head, first, key)
    f.repeat(
      () => {
        f.scope(() => {
          const seen = f.keep(i32.add(i32.add(first, row), i32.sub(i32.sub(keys, i32.const(queries - 1)), key)))
          const end = f.keep(causal ? maxS(i32.const(0), minS(count, seen)) : count)
          const laneMask = mask === null || maskAt === null ? null : { pointer: maskAt, stride: mask.strides[3], dtype: bindings[mask.binding].dtype }
          this.#softmaxRow(f, scores, state, output, count, end, laneMask)
        })
        f.set(row, i32.add(row, i32.const(1)))
        f.set(scores, i32.add(scores, i32.const(SCORE_ROW)))
        f.set(state, i32.add(state, i32.const(8)))
        f.set(output, i32.add(output, i32.const(this.#width * 4)))
        if (mask !== null && maskAt !== null) f.set(maskAt, i32.add(maskAt, i32.const(mask.strides[2] * 4)))
      },
      () => i32.ltS(row, rows),
    )
  }

  #softmaxRow(f: FunctionBuilder, scores: Local<'i32'>, state: Local<'i32'>, output: Local<'i32'>, count: Local<'i32'>, end: Local<'i32'>, mask: Parameters<typeof visibleScores>[6]): void {
    const row = new ScoreRow(f, scores)
    const before = f.keep(v128.load32Splat(state))
    const highest = f.keep(before)
    // without a mask only the last vector can hold hidden scores
    const plain = mask === null ? i32.and(end, i32.const(-4)) : i32.const(0)
    const scale = f32x4.const(this.#kernel.scale)
    row.over(plain, at => {
      const score = f.keep(f32x4.mul(v128.load(at), scale))
      f.set(highest, f32x4.pmax(highest, score))
      f.do(v128.store(at, score))
    })
    row.over(end, (at, lane) => {
      const visible = visibleScores(f, at, this.#kernel.scale, lane, i32.const(0), end, mask)
      f.set(highest, f32x4.pmax(highest, visible))
      f.do(v128.store(at, visible))
    })
    const maximum = acrossLanes(f, 'max', 'f32', highest)
    const total = f.keep(f32x4.const(0))
    row.restart()
    row.over(end, at => {
      const p = f.keep(expFlushed(f, f.keep(f32x4.sub(v128.load(at), maximum))))
      f.set(total, f32x4.add(total, p))
      f.do(v128.store(at, p))
    })
    row.over(count, at => f.do(v128.store(at, f32x4.const(0))))
    const rescale = f.keep(expFlushed(f, f.keep(f32x4.sub(before, maximum))))
    const sum = f32x4.add(f32x4.mul(v128.load32Splat(state, 4), rescale), acrossLanes(f, 'sum', 'f32', total))
    f.do(v128.store32Lane(state, sum, 0, 4))
    f.do(v128.store32Lane(state, maximum, 0))
    f.if(v128.anyTrue(f32x4.ne(rescale, f32x4.const(1))), () => this.#rescale(f, output, rescale))
  }

  #rescale(f: FunctionBuilder, output: Local<'i32'>, factor: Local<'v128'>): void {
    const d = f.keep(output)
    const end = f.keep(i32.add(output, i32.const(this.#width * 4)))
    f.repeat(
      () => {
        f.do(v128.store(d, f32x4.mul(v128.load(d), factor)))
        f.set(d, i32.add(d, i32.const(16)))
      },
      () => i32.ne(d, end),
    )
  }

  /** out = tile / sum and lse = maximum + log(sum); a row that saw nothing gives zeros. */
  #finish(f: FunctionBuilder, bases: Bases, { batch, head, first, rows }: Block): void {
    const { out, lse, headSize } = this.#kernel
    const scratch = f.param('i32', SCRATCH)
    const row = f.keep(i32.const(0))
    const state = f.keep(i32.add(scratch, i32.const(this.#offsets.state)))
    const tile = f.keep(i32.add(scratch, i32.const(this.#offsets.output)))
    const outAt = bases.at(out, batch, head, first)
    const lseAt = bases.at(lse, batch, head, first)
    f.repeat(
      () => {
        f.scope(() => {
          const sum = f.keep(v128.load32Splat(state, 4))
          const empty = f.keep(f32x4.eq(sum, f32x4.const(0)))
          const value = f.keep(f32x4.add(v128.load32Splat(state), log(f, sum)))
          f.do(v128.store32Lane(lseAt, v128.andnot(value, empty), 0))
          const inverse = f.keep(v128.andnot(f32x4.div(f32x4.const(1), sum), empty))
          const d = f.keep(i32.const(0))
          const [source, target] = [f.keep(tile), f.keep(outAt)]
          const store = (count: number): void =>
            f.scope(() => storeLanes(f, { pointer: target, stride: out.strides[3], first: 0, count, wild: false }, f.keep(f32x4.mul(v128.load(source), inverse))))
          f.while(
            () => i32.leS(i32.add(d, i32.const(4)), i32.const(headSize)),
            () => {
              store(4)
              f.set(d, i32.add(d, i32.const(4)))
              f.set(source, i32.add(source, i32.const(16)))
              f.set(target, i32.add(target, i32.const(16 * out.strides[3])))
            },
          )
          if (headSize % 4 > 0) store(headSize % 4)
        })
        f.set(row, i32.add(row, i32.const(1)))
        f.set(state, i32.add(state, i32.const(8)))
        f.set(tile, i32.add(tile, i32.const(this.#width * 4)))
        f.set(outAt, i32.add(outAt, i32.const(out.strides[2] * 4)))
        f.set(lseAt, i32.add(lseAt, i32.const(lse.strides[2] * 4)))
      },
      () => i32.ltS(row, rows),
    )
  }
}
