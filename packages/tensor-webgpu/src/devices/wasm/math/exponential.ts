// exp, expm1 and what follows from them: sigmoid and tanh, on four f32 lanes. Within 2 ulp of float64; tanh within 4.
// Range reduction and the polynomial are Cephes' expf: x = n ln 2 + r, |r| <= ln 2 / 2.
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { i32 } from '../emit/scalar.js'
import { f32x4, i32x4, v128 } from '../emit/simd.js'
import type { V128 } from '../emit/value.js'
import { polynomial } from './polynomial.js'

type X = Local<'v128'>

const LOG2_E = 1.44269504088896341
/** ln 2 in two parts; the first has 9 significant bits, so n · LN2_HIGH is exact. */
const LN2_HIGH = 0.693359375
const LN2_LOW = -2.12194440054690583e-4
/** (e^r - 1 - r) / r² */
const EXP_TAIL = [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]

interface Reduced {
  /** Exponent as an integer. */
  readonly n: X
  /** e^r - 1. */
  readonly tail: V128
}

function reduce(f: FunctionBuilder, x: V128, low: number, high: number): Reduced {
  // min and max keep NaN
  const clamped = f.keep(f32x4.min(f32x4.max(x, f32x4.const(low)), f32x4.const(high)))
  const n = f.keep(f32x4.nearest(f32x4.mul(clamped, f32x4.const(LOG2_E))))
  const r = f.keep(f32x4.sub(f32x4.sub(clamped, f32x4.mul(n, f32x4.const(LN2_HIGH))), f32x4.mul(n, f32x4.const(LN2_LOW))))
  const tail = f32x4.add(f32x4.mul(f32x4.mul(polynomial(r, EXP_TAIL), r), r), r)
  return { n: f.keep(i32x4.truncSatF32S(n)), tail }
}

/** 2^n for -126 <= n <= 127, by its bits. */
const powerOfTwo = (n: V128): V128 => i32x4.shl(i32x4.add(n, i32x4.const(127)), i32.const(23))

export function exp(f: FunctionBuilder, x: V128): V128 {
  const { n, tail } = reduce(f, x, -104, 89)
  // scaled in two halves: 2^128 and 2^-150 are beyond one exponent field, and subnormal results round correctly
  const half = f.keep(i32x4.shrS(n, i32.const(1)))
  return f32x4.mul(f32x4.mul(f32x4.add(tail, f32x4.const(1)), powerOfTwo(half)), powerOfTwo(i32x4.sub(n, half)))
}

/** e^x for x <= 0 (or NaN), a scale cheaper; below -87 it is 0 or nearly so. */
export function expNegative(f: FunctionBuilder, x: V128): V128 {
  const { n, tail } = reduce(f, x, -87.33, 0)
  return f32x4.mul(f32x4.add(tail, f32x4.const(1)), powerOfTwo(n))
}

export function expm1(f: FunctionBuilder, x: X): V128 {
  const { n, tail } = reduce(f, x, -25, 89)
  // half of 2^n: 2^128 does not exist
  const scale = f.keep(powerOfTwo(i32x4.sub(n, i32x4.const(1))))
  const half = f32x4.add(f32x4.mul(tail, scale), f32x4.sub(scale, f32x4.const(0.5)))
  const value = f.keep(f32x4.add(half, half))
  return v128.select(f32x4.eq(x, f32x4.const(0)), x, value)
}

/** e = exp(-|x|): 1 / (1 + e) for x >= 0, e / (1 + e) below, so that neither end loses digits. */
export function sigmoid(f: FunctionBuilder, x: X): V128 {
  const e = f.keep(exp(f, f32x4.neg(f32x4.abs(x))))
  const numerator = v128.select(f32x4.lt(x, f32x4.const(0)), e, f32x4.const(1))
  return f32x4.div(numerator, f32x4.add(e, f32x4.const(1)))
}

/** m / (m + 2) with m = expm1(2 |x|), and the sign of x; 1 beyond 10. */
export function tanh(f: FunctionBuilder, x: X): V128 {
  const { n, tail } = reduce(f, f32x4.add(f32x4.abs(x), f32x4.abs(x)), 0, 20)
  const scale = f.keep(powerOfTwo(n))
  const m = f.keep(f32x4.add(f32x4.mul(tail, scale), f32x4.sub(scale, f32x4.const(1))))
  return v128.or(f32x4.div(m, f32x4.add(m, f32x4.const(2))), v128.and(x, i32x4.const(0x80000000)))
}
