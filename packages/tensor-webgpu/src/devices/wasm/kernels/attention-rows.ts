// Attention forward for a few queries, as when generating token by token: keys and values are read where they are, once, since packing them
// would cost more than the products. One row of scores at a time, in scratch.
import type { AttentionKernel } from '../../../plan/kernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { callEffect } from '../emit/module-builder.js'
import { i32, maxS, minS } from '../emit/scalar.js'
import { f32x4, v128 } from '../emit/simd.js'
import type { I32, V128 } from '../emit/value.js'
import { expFlushed } from '../math/exponential.js'
import { log } from '../math/logarithm.js'
import { keyLength, overUnits, ScoreRow, visibleScores, type Bases } from './attention-layout.js'
import { phase, SCRATCH, type CompiledKernel, type KernelModule } from './kernel-module.js'
import { loadLanes, storeLanes } from './lanes.js'
import { packRows, transpose4 } from './packing.js'
import { acrossLanes } from './reduction.js'

/** With more queries than this, packed keys pay off. */
const MOST_QUERIES = 4
/** Columns of V summed in one walk over the keys: four vectors. */
const STRIP = 16
const LOWEST = -3e38

export const suitsRows = ({ queries, k, v }: AttentionKernel): boolean => queries <= MOST_QUERIES && k.strides[3] === 1 && v.strides[3] === 1

export function compileAttentionRows(module: KernelModule, kernel: AttentionKernel): CompiledKernel {
  const { batch, heads, queries, keys, headSize } = kernel
  const row = new RowCode(module, kernel)
  const exported = overUnits(module, [batch, heads, queries], kernel.bindings, (f, bases, index) => row.emit(f, bases, index))
  // waiting for memory counts twice: of a few heads each should be a thread's to take
  return { phases: [phase(exported, batch * heads * queries, 2 * keys * (headSize + 10))], sharedBytes: 0, threadBytes: row.queryOffset + 4 * headSize }
}

class RowCode {
  readonly #module: KernelModule
  readonly #kernel: AttentionKernel

  constructor(module: KernelModule, kernel: AttentionKernel) {
    this.#module = module
    this.#kernel = kernel
  }

  /** Thread scratch: the row of scores, then a copy of a query that is not contiguous. */
  get queryOffset(): number {
    return 16 * Math.ceil(this.#kernel.keys / 4) + 16
  }

  emit(f: FunctionBuilder, bases: Bases, [batch, head, query]: readonly Local<'i32'>[]): void {
    const { q, k, v, out, lse, mask, bindings, queries, heads, kvHeads, causal, headSize } = this.#kernel
    const group = f.keep(i32.divU(i32.mul(head, i32.const(kvHeads)), i32.const(heads)))
    const keys = keyLength(f, bases, this.#kernel, batch)
    const seen = f.keep(i32.add(query, i32.sub(keys, i32.const(queries - 1))))
    const end = f.keep(causal ? maxS(i32.const(0), minS(keys, seen)) : keys)
    const scores = f.param('i32', SCRATCH)
    this.#products(f, this.#query(f, bases.at(q, batch, head, query)), bases.at(k, batch, group), scores, end)

    const row = new ScoreRow(f, scores)
    const laneMask = mask === null ? null : { pointer: bases.at(mask, batch, head, query), stride: mask.strides[3], dtype: bindings[mask.binding].dtype }
    const highest = f.keep(f32x4.const(LOWEST))
    row.over(end, (at, lane) => {
      const visible = visibleScores(f, at, this.#kernel.scale, lane, i32.const(0), end, laneMask)
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
    const sum = acrossLanes(f, 'sum', 'f32', total)
    // a row that saw nothing gives zeros
    const empty = f.keep(f32x4.eq(sum, f32x4.const(0)))
    f.do(v128.store32Lane(bases.at(lse, batch, head, query), v128.andnot(f.keep(f32x4.add(maximum, log(f, sum))), empty), 0))
    const inverse = f.keep(v128.andnot(f32x4.div(f32x4.const(1), sum), empty))
    for (let d = 0; d < headSize; d += STRIP) {
      const [from, to] = [bases.at(v, batch, group, i32.const(0), i32.const(d)), bases.at(out, batch, head, query, i32.const(d))]
      f.scope(() => this.#strip(f, scores, end, from, to, Math.min(STRIP, headSize - d), inverse))
    }
  }

  #query(f: FunctionBuilder, from: Local<'i32'>): Local<'i32'> {
    const { q, headSize } = this.#kernel
    if (q.strides[3] === 1) return from
    const to = f.keep(i32.add(f.param('i32', SCRATCH), i32.const(this.queryOffset)))
    f.do(callEffect(packRows(this.#module), to, i32.const(0), from, i32.const(0), i32.const(q.strides[3] * 4), i32.const(1), i32.const(headSize)))
    return to
  }

  /** scores[s] = q · k[s], four keys at a time; past the end the last key stands in. */
  #products(f: FunctionBuilder, query: Local<'i32'>, keys: Local<'i32'>, scores: Local<'i32'>, end: Local<'i32'>): void {
    const { k, headSize } = this.#kernel
    const key = f.keep(i32.const(0))
    const at = f.keep(scores)
    const left = f.local('i32')
    f.while(
      () => i32.ltS(key, end),
      () => {
        f.scope(() => {
          const rows = [0, 1, 2, 3].map(i => {
            const row = minS(i32.add(key, i32.const(i)), i32.sub(end, i32.const(1)))
            return f.keep(i32.add(keys, i32.mul(row, i32.const(k.strides[2] * 4))))
          })
          const sums = rows.map(() => f.keep(f32x4.const(0)))
          const q = f.keep(query)
          const step = (count: number): void =>
            f.scope(() => {
              const part = f.keep(loadLanes({ pointer: q, stride: 1, first: 0, count, wild: false }))
              sums.forEach((sum, i) => f.set(sum, f32x4.add(sum, f32x4.mul(part, loadLanes({ pointer: rows[i], stride: 1, first: 0, count, wild: false })))))
            })
          f.set(left, i32.const(headSize))
          f.while(
            () => i32.geS(left, i32.const(4)),
            () => {
              step(4)
              for (const pointer of [q, ...rows]) f.set(pointer, i32.add(pointer, i32.const(16)))
              f.set(left, i32.sub(left, i32.const(4)))
            },
          )
          if (headSize % 4 > 0) step(headSize % 4)
          const [a, b, c, d] = transpose4(f, sums)
          f.do(v128.store(at, f32x4.add(f32x4.add(a, b), f32x4.add(c, d))))
        })
        f.set(key, i32.add(key, i32.const(4)))
        f.set(at, i32.add(at, i32.const(16)))
      },
    )
  }

  /** out[0 … width) = Σ p[s] v[s][0 … width) · inverse. */
  #strip(f: FunctionBuilder, scores: Local<'i32'>, end: I32, values: Local<'i32'>, to: Local<'i32'>, width: number, inverse: V128): void {
    const { v, out } = this.#kernel
    const vectors = Array.from({ length: Math.ceil(width / 4) }, (_, u) => ({ sum: f.keep(f32x4.const(0)), first: 4 * u, count: Math.min(4, width - 4 * u) }))
    const p = f.keep(scores)
    const last = f.keep(i32.add(scores, i32.shl(end, i32.const(2))))
    f.while(
      () => i32.ne(p, last),
      () => {
        f.scope(() => {
          const weight = f.keep(v128.load32Splat(p))
          for (const { sum, first, count } of vectors) f.set(sum, f32x4.add(sum, f32x4.mul(weight, loadLanes({ pointer: values, stride: 1, first, count, wild: false }))))
        })
        f.set(p, i32.add(p, i32.const(4)))
        f.set(values, i32.add(values, i32.const(v.strides[2] * 4)))
      },
    )
    for (const { sum, first, count } of vectors) {
      f.set(sum, f32x4.mul(sum, inverse))
      storeLanes(f, { pointer: to, stride: out.strides[3], first, count, wild: false }, sum)
    }
  }
}
