// Reductions in vector form: the identity, the combining step, running totals, and the last step across the four lanes.
import type { Dtype } from '../../../dtype.js'
import type { ReduceFunction } from '../../../plan/kernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { i32 } from '../emit/scalar.js'
import { f32x4, i32x4, v128 } from '../emit/simd.js'
import type { V128 } from '../emit/value.js'

function identity(reduce: ReduceFunction, dtype: Dtype): V128 {
  if (dtype === 'f32') return f32x4.const({ sum: 0, prod: 1, max: -Infinity, min: Infinity }[reduce])
  if (reduce === 'sum') return i32x4.const(0)
  if (reduce === 'prod') return i32x4.const(1)
  if (dtype === 'i32') return i32x4.const(reduce === 'max' ? -(2 ** 31) : 2 ** 31 - 1)
  if (dtype === 'bool') return i32x4.const(reduce === 'max' ? 0 : 1)
  return i32x4.const(reduce === 'max' ? 0 : -1)
}

function combine(reduce: ReduceFunction, dtype: Dtype, a: V128, b: V128): V128 {
  if (dtype === 'f32') return { sum: f32x4.add, prod: f32x4.mul, max: f32x4.max, min: f32x4.min }[reduce](a, b)
  // sums and products of bools stay within 0 and 1
  if (dtype === 'bool') return { sum: v128.or, prod: v128.and, max: v128.or, min: v128.and }[reduce](a, b)
  if (reduce === 'sum') return i32x4.add(a, b)
  if (reduce === 'prod') return i32x4.mul(a, b)
  if (dtype === 'i32') return reduce === 'max' ? i32x4.maxS(a, b) : i32x4.minS(a, b)
  return reduce === 'max' ? i32x4.maxU(a, b) : i32x4.minU(a, b)
}

/** Combines vectors pairwise into one. */
function combineAll(f: FunctionBuilder, reduce: ReduceFunction, dtype: Dtype, vectors: readonly Local<'v128'>[]): Local<'v128'> {
  if (vectors.length === 1) return vectors[0]
  const half = vectors.length / 2
  return combineAll(f, reduce, dtype, vectors.slice(0, half).map((vector, i) => f.keep(combine(reduce, dtype, vector, vectors[i + half]))))
}

/** The four lanes combined, in every lane. */
export function acrossLanes(f: FunctionBuilder, reduce: ReduceFunction, dtype: Dtype, vector: Local<'v128'>): Local<'v128'> {
  const pairs = f.keep(combine(reduce, dtype, vector, v128.shuffle32(vector, vector, [2, 3, 0, 1])))
  return f.keep(combine(reduce, dtype, pairs, v128.shuffle32(pairs, pairs, [1, 0, 3, 2])))
}

/** Steps summed before they are added to the sum so far: a long chain of f32 additions would lose digits. */
const RUN = 256

/** Running results of a reduction, one vector for each vector of a group. */
export class Accumulator {
  readonly #f: FunctionBuilder
  readonly #reduce: ReduceFunction
  readonly #dtype: Dtype
  readonly #vectors: readonly Local<'v128'>[]
  /** Finished runs of a long float sum, and the steps left in the current run. */
  readonly #runs: readonly Local<'v128'>[]
  readonly #left: Local<'i32'> | null

  /** `steps` is how often `add` will be executed. */
  constructor(f: FunctionBuilder, reduce: ReduceFunction, dtype: Dtype, vectors: number, steps: number) {
    const start = (): Local<'v128'>[] => Array.from({ length: vectors }, () => f.keep(identity(reduce, dtype)))
    const long = reduce === 'sum' && dtype === 'f32' && steps > 2 * RUN
    this.#f = f
    this.#reduce = reduce
    this.#dtype = dtype
    this.#vectors = start()
    this.#runs = long ? start() : []
    this.#left = long ? f.keep(i32.const(RUN)) : null
  }

  /** With a tail, only that many lanes count. */
  add(values: readonly Local<'v128'>[], tail: number): void {
    const f = this.#f
    values.forEach((value, u) => {
      const lanes = i32x4.lanes([0, 1, 2, 3].map(lane => (lane < tail ? -1 : 0)))
      const counted = tail > 0 ? v128.select(lanes, value, identity(this.#reduce, this.#dtype)) : value
      f.set(this.#vectors[u], combine(this.#reduce, this.#dtype, this.#vectors[u], counted))
    })
    const left = this.#left
    if (left === null) return
    f.set(left, i32.sub(left, i32.const(1)))
    f.if(i32.eqz(left), () => {
      this.#closeRun()
      this.#vectors.forEach(vector => f.set(vector, f32x4.const(0)))
      f.set(left, i32.const(RUN))
    })
  }

  #closeRun(): void {
    this.#runs.forEach((run, u) => this.#f.set(run, f32x4.add(run, this.#vectors[u])))
  }

  /** Each lane's own result. */
  perLane(): readonly Local<'v128'>[] {
    if (this.#runs.length === 0) return this.#vectors
    this.#closeRun()
    return this.#runs
  }

  /** One result of all lanes, in every lane. */
  acrossLanes(): Local<'v128'> {
    return acrossLanes(this.#f, this.#reduce, this.#dtype, combineAll(this.#f, this.#reduce, this.#dtype, this.perLane()))
  }
}
