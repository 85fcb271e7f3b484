// a ** b on four f32 lanes: |a| ** b as exp(b log |a|) in float64, the sign from b's parity; correct to 1 ulp.
// A zero, infinite or NaN operand is rare, and is asked of the host, whose rules (JavaScript's) are the meaning of `pow`.
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { call, type FunctionRef } from '../emit/module-builder.js'
import { f32, f64, i32 } from '../emit/scalar.js'
import { f32x4, f64x2, i32x4, i64x2, v128 } from '../emit/simd.js'
import type { V128 } from '../emit/value.js'
import { inDouble } from './double-halves.js'
import { polynomial64 } from './polynomial.js'

type X = Local<'v128'>

/** 2 artanh(s) / s = log((1+s)/(1-s)) / s as a series in s², |s| <= 0.172. */
const ARTANH = [15, 13, 11, 9, 7, 5, 3, 1].map(n => 2 / n)
/** e^r, |r| <= ln 2 / 2. */
const EXP = [39916800, 3628800, 362880, 40320, 5040, 720, 120, 24, 6, 2, 1, 1].map(factorial => 1 / factorial)
/** High word of √½ as f64. */
const SQRT_HALF_HIGH = 0x3fe6a09e
const MAGIC = 2 ** 52 + 2 ** 51

/** log of positive normal f64 lanes (all positive f32 are normal in f64). */
function log64(f: FunctionBuilder, x: X): V128 {
  const shifted = f.keep(i64x2.sub(x, i64x2.const(0, SQRT_HALF_HIGH)))
  // high words hold the exponent; bring them to lanes 0 and 1
  const exponents = i32x4.shrS(v128.shuffle32(shifted, shifted, [1, 3, 1, 3]), i32.const(20))
  const e = f.keep(f64x2.convertLowI32S(exponents))
  const mantissa = f.keep(i64x2.add(v128.and(shifted, i64x2.const(-1, 0xfffff)), i64x2.const(0, SQRT_HALF_HIGH)))
  const s = f.keep(f64x2.div(f64x2.sub(mantissa, f64x2.const(1)), f64x2.add(mantissa, f64x2.const(1))))
  const square = f.keep(f64x2.mul(s, s))
  return f64x2.add(f64x2.mul(polynomial64(square, ARTANH), s), f64x2.mul(e, f64x2.const(Math.LN2)))
}

function exp64(f: FunctionBuilder, x: V128): V128 {
  // beyond ±110 the f32 result is 0 or infinite anyway
  const raw = f.keep(x)
  const capped = f.keep(v128.select(f64x2.lt(raw, f64x2.const(-110)), f64x2.const(-110), raw))
  const clamped = f.keep(v128.select(f64x2.gt(capped, f64x2.const(110)), f64x2.const(110), capped))
  const n = f.keep(f64x2.nearest(f64x2.mul(clamped, f64x2.const(Math.LOG2E))))
  const r = f.keep(f64x2.sub(clamped, f64x2.mul(n, f64x2.const(Math.LN2))))
  // adding 2^52 + 2^51 leaves the integer in the low bits
  const integer = f64x2.add(n, f64x2.const(MAGIC + 1023))
  return f64x2.mul(polynomial64(r, EXP), i64x2.shl(integer, i32.const(52)))
}

export function power(f: FunctionBuilder, a: X, b: X, host: FunctionRef<'f64'>): V128 {
  const magnitude = f.keep(f32x4.abs(a))
  const positive = f.keep(inDouble(f, [magnitude, b], (base, exponent) => exp64(f, f64x2.mul(log64(f, base), exponent))))
  const negative = f.keep(f32x4.lt(a, f32x4.const(0)))
  const whole = f.keep(f32x4.eq(f32x4.trunc(b), b))
  // b is odd if half of it is not whole; floats of 2^24 and more are all even
  const half = f.keep(f32x4.mul(b, f32x4.const(0.5)))
  const odd = f.keep(v128.andnot(whole, f32x4.eq(f32x4.trunc(half), half)))
  const signed = f.keep(v128.xor(positive, v128.and(v128.and(odd, negative), i32x4.const(0x80000000))))
  const value = f.keep(v128.select(v128.andnot(negative, whole), f32x4.const(Number.NaN), signed))
  const ordinary = v128.and(
    v128.and(f32x4.gt(magnitude, f32x4.const(0)), f32x4.lt(magnitude, f32x4.const(Infinity))),
    f32x4.lt(f32x4.abs(b), f32x4.const(Infinity)),
  )
  f.if(i32.eqz(i32x4.allTrue(ordinary)), () => {
    for (let lane = 0; lane < 4; lane++) {
      const result = call(host, f64.promote(f32x4.extract(a, lane)), f64.promote(f32x4.extract(b, lane)))
      f.set(value, f32x4.replace(value, lane, f32.demote(result)))
    }
  })
  return value
}
