// log and log1p on four f32 lanes, within 2 ulp of float64: Cephes' logf.
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { i32 } from '../emit/scalar.js'
import { f32x4, i32x4, v128 } from '../emit/simd.js'
import type { V128 } from '../emit/value.js'
import { polynomial } from './polynomial.js'

type X = Local<'v128'>

/** (log(1 + z) - z + z²/2) / z³ for 1 + z in [√½, √2). */
const LOG_TAIL = [
  7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
  3.3333331174e-1,
]
const LN2_HIGH = 0.693359375
const LN2_LOW = -2.12194440054690583e-4
const SMALLEST_NORMAL = 1.17549435082228751e-38
const SQRT_HALF_BITS = 0x3f3504f3

export function log(f: FunctionBuilder, x: X): V128 {
  const subnormal = f.keep(f32x4.lt(x, f32x4.const(SMALLEST_NORMAL)))
  const scaled = v128.select(subnormal, f32x4.mul(x, f32x4.const(2 ** 25)), x)
  // subtracting the bits of √½ makes the exponent field count from there
  const bits = f.keep(i32x4.sub(scaled, i32x4.const(SQRT_HALF_BITS)))
  const exponent = i32x4.sub(i32x4.shrS(bits, i32.const(23)), v128.and(subnormal, i32x4.const(25)))
  const e = f.keep(f32x4.convertI32S(exponent))
  const mantissa = i32x4.add(v128.and(bits, i32x4.const(0x7fffff)), i32x4.const(SQRT_HALF_BITS))
  const z = f.keep(f32x4.sub(mantissa, f32x4.const(1)))
  const z2 = f.keep(f32x4.mul(z, z))
  const tail = f32x4.mul(f32x4.mul(polynomial(z, LOG_TAIL), z), z2)
  const small = f32x4.sub(f32x4.add(tail, f32x4.mul(e, f32x4.const(LN2_LOW))), f32x4.mul(z2, f32x4.const(0.5)))
  const value = f.keep(f32x4.add(f32x4.add(small, z), f32x4.mul(e, f32x4.const(LN2_HIGH))))
  // +inf and NaN are themselves; zero gives -inf, below zero NaN
  const finite = f.keep(v128.select(f32x4.lt(x, f32x4.const(Infinity)), value, x))
  const atZero = f.keep(v128.select(f32x4.eq(x, f32x4.const(0)), f32x4.const(-Infinity), finite))
  return v128.select(f32x4.lt(x, f32x4.const(0)), f32x4.const(Number.NaN), atZero)
}

/** log(u) + (x - (u - 1)) / u with u = 1 + x rounded: the second term is what rounding lost. */
export function log1p(f: FunctionBuilder, x: X): V128 {
  const u = f.keep(f32x4.add(x, f32x4.const(1)))
  const lost = f.keep(f32x4.div(f32x4.sub(x, f32x4.sub(u, f32x4.const(1))), u))
  const logU = f.keep(log(f, u))
  const ordinary = f.keep(v128.and(f32x4.gt(u, f32x4.const(0)), f32x4.lt(u, f32x4.const(Infinity))))
  const value = f.keep(v128.select(ordinary, f32x4.add(logU, lost), logU))
  return v128.select(f32x4.eq(x, f32x4.const(0)), x, value)
}
