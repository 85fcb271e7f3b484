// Evaluates four f32 lanes in float64, two at a time: for range reductions and quotients that f32 cannot carry.
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { f32x4, f64x2, v128 } from '../emit/simd.js'
import type { V128 } from '../emit/value.js'

type X = Local<'v128'>

/** Lanes 2 and 3 moved to 0 and 1. */
export const highHalf = (x: V128): V128 => v128.shuffle32(x, x, [2, 3, 2, 3])
export const joinHalves = (low: V128, high: V128): V128 => v128.shuffle32(low, high, [0, 1, 4, 5])

/** Applies `compute` to the f64 lanes of each operand and rounds the results to f32. */
export function inDouble(f: FunctionBuilder, operands: readonly X[], compute: (...halves: X[]) => V128): V128 {
  const low = f.keep(f32x4.demoteF64Zero(compute(...operands.map(x => f.keep(f64x2.promoteLow(x))))))
  const high = f.keep(f32x4.demoteF64Zero(compute(...operands.map(x => f.keep(f64x2.promoteLow(highHalf(x)))))))
  return joinHalves(low, high)
}
