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

/** Adding 1.5 · 2^23 rounds a float to a whole number and leaves that number in the low bits: two additions, where V8 spends many
 * instructions on a conversion that must be right for all floats. */
const MAGIC = 1.5 * 2 ** 23
const MAGIC_BITS = 0x4b400000

interface Reduced {
  /** Exponent as an integer, plus MAGIC_BITS. */
  readonly n: X
  /** e^r - 1. */
  readonly tail: V128
}

function reduce(f: FunctionBuilder, x: V128, low: number | null, high: number | null): Reduced {
  // NaN stays: pmin and pmax give their first operand unless the second is smaller or larger
  const raised = low === null ? x : f32x4.pmax(x, f32x4.const(low))
  const clamped = f.keep(high === null ? raised : f32x4.pmin(raised, f32x4.const(high)))
  const n = f.keep(f32x4.add(f32x4.mul(clamped, f32x4.const(LOG2_E)), f32x4.const(MAGIC)))
  const whole = f.keep(f32x4.sub(n, f32x4.const(MAGIC)))
  const r = f.keep(f32x4.sub(f32x4.sub(clamped, f32x4.mul(whole, f32x4.const(LN2_HIGH))), f32x4.mul(whole, f32x4.const(LN2_LOW))))
  const tail = f32x4.add(f32x4.mul(f32x4.mul(polynomial(r, EXP_TAIL), r), r), r)
  return { n, tail }
}

/** 2^(n + shift) for -126 <= n + shift <= 127, by its bits; shifting left drops MAGIC_BITS. */
const powerOfMagic = (n: V128, shift = 0): V128 => i32x4.shl(i32x4.add(n, i32x4.const(127 + shift)), i32.const(23))

export function exp(f: FunctionBuilder, x: V128): V128 {
  const { n, tail } = reduce(f, x, -104, 89)
  return scaleTwice(f, f32x4.add(tail, f32x4.const(1)), n)
}

/** e^x for x <= 0 (or NaN). */
export function expNegative(f: FunctionBuilder, x: V128): V128 {
  const { n, tail } = reduce(f, x, -104, null)
  return scaleTwice(f, f32x4.add(tail, f32x4.const(1)), n)
}

/** In two halves: 2^128 and 2^-150 are beyond one exponent field, and subnormal results round correctly. */
function scaleTwice(f: FunctionBuilder, value: V128, n: X): V128 {
  const integer = f.keep(i32x4.sub(n, i32x4.const(MAGIC_BITS)))
  const half = f.keep(i32x4.shrS(integer, i32.const(1)))
  return f32x4.mul(f32x4.mul(value, powerOfMagic(half)), powerOfMagic(i32x4.sub(integer, half)))
}

/** e^x for x <= 0 (or NaN), with 0 below -87: no subnormal results. */
export function expFlushed(f: FunctionBuilder, x: X): V128 {
  const { n, tail } = reduce(f, x, -87, null)
  const value = f32x4.mul(f32x4.add(tail, f32x4.const(1)), powerOfMagic(n))
  return v128.andnot(value, f32x4.lt(x, f32x4.const(-87)))
}

export function expm1(f: FunctionBuilder, x: X): V128 {
  const { n, tail } = reduce(f, x, -25, 89)
  // half of 2^n: 2^128 does not exist
  const scale = f.keep(powerOfMagic(n, -1))
  const half = f32x4.add(f32x4.mul(tail, scale), f32x4.sub(scale, f32x4.const(0.5)))
  const value = f.keep(f32x4.add(half, half))
  return v128.select(f32x4.eq(x, f32x4.const(0)), x, value)
}

/** e = exp(-|x|): 1 / (1 + e) for x >= 0, e / (1 + e) below, so that neither end loses digits. */
export function sigmoid(f: FunctionBuilder, x: X): V128 {
  const e = f.keep(expNegative(f, f32x4.neg(f32x4.abs(x))))
  const numerator = v128.select(f32x4.lt(x, f32x4.const(0)), e, f32x4.const(1))
  return f32x4.div(numerator, f32x4.add(e, f32x4.const(1)))
}

/** m / (m + 2) with m = expm1(2 |x|), and the sign of x; 1 beyond 10. */
export function tanh(f: FunctionBuilder, x: X): V128 {
  const { n, tail } = reduce(f, f32x4.add(f32x4.abs(x), f32x4.abs(x)), null, 20)
  const scale = f.keep(powerOfMagic(n))
  const m = f.keep(f32x4.add(f32x4.mul(tail, scale), f32x4.sub(scale, f32x4.const(1))))
  return v128.or(f32x4.div(m, f32x4.add(m, f32x4.const(2))), v128.and(x, i32x4.const(0x80000000)))
}
