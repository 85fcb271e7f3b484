// erf, and the GELU of the normal distribution with its derivative, on four f32 lanes. erf within 3 ulp; gelu and its derivative within 6 ulp,
// also in the tails. Polynomials fitted in relative error by reweighted least squares (3e-8 and 6e-10).
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { f32x4, i32x4, v128 } from '../emit/simd.js'
import type { V128 } from '../emit/value.js'
import { expNegative } from './exponential.js'
import { polynomial } from './polynomial.js'

type X = Local<'v128'>

/** erf(x) / x as a polynomial in x², |x| <= 0.95. */
const ERF_NEAR_ZERO = [
  8.185249078863921e-5, -8.09774941159358e-4, 5.196957321231335e-3, -2.685770796198013e-2, 1.1283664074430458e-1, -3.761263162216056e-1,
  1.1283791664113296,
]
/** erfc(z) e^(z²) as a polynomial in t = 1 / (1 + 0.4 z), 0 <= z <= 10.1. */
const SCALED_ERFC = [
  0.029024416580796242, -0.07650049775838852, -0.05965075641870499, 0.2705231010913849, -0.06428904086351395, 0.2663978040218353,
  0.17817071080207825, 0.2311978042125702, 0.22510099411010742, 2.5483685021754354e-5,
]

const scaledErfc = (f: FunctionBuilder, z: V128): V128 => {
  const t = f.keep(f32x4.div(f32x4.const(1), f32x4.add(f32x4.mul(z, f32x4.const(0.4)), f32x4.const(1))))
  return polynomial(t, SCALED_ERFC)
}

/** exp(-scale · a²) for 0 <= a: a is split so that the first square is exact, else its rounding would be magnified by the exponent. */
function expOfSquare(f: FunctionBuilder, a: X, scale: number): V128 {
  const high = f.keep(v128.and(a, i32x4.const(0xfffff000)))
  const first = f.keep(expNegative(f, f32x4.mul(f32x4.mul(high, high), f32x4.const(-scale))))
  const rest = f32x4.mul(f32x4.mul(f32x4.sub(a, high), f32x4.add(a, high)), f32x4.const(-scale))
  return f32x4.mul(first, expNegative(f, rest))
}

export function erf(f: FunctionBuilder, x: X): V128 {
  const a = f.keep(f32x4.pmin(f32x4.abs(x), f32x4.const(10)))
  const square = f.keep(f32x4.mul(a, a))
  const near = f.keep(f32x4.mul(x, polynomial(square, ERF_NEAR_ZERO)))
  const tail = f32x4.mul(expOfSquare(f, a, 1), scaledErfc(f, a))
  const far = f.keep(v128.or(f32x4.sub(f32x4.const(1), tail), v128.and(x, i32x4.const(0x80000000))))
  return v128.select(f32x4.lt(a, f32x4.const(0.95)), near, far)
}

/** e^(-x²/2) and Φ(x) = P(normal <= x); the lower tail keeps its digits. */
function normal(f: FunctionBuilder, x: X): { readonly bell: X; readonly cdf: X } {
  const a = f.keep(f32x4.pmin(f32x4.abs(x), f32x4.const(14.2)))
  const bell = f.keep(expOfSquare(f, a, 0.5))
  const tail = f.keep(f32x4.mul(f32x4.mul(bell, scaledErfc(f, f32x4.mul(a, f32x4.const(Math.SQRT1_2)))), f32x4.const(0.5)))
  const cdf = f.keep(v128.select(f32x4.lt(x, f32x4.const(0)), tail, f32x4.sub(f32x4.const(1), tail)))
  return { bell, cdf }
}

/** x Φ(x). Keeps digits at -8 where 1 + erf has none left in float64. */
export function gelu(f: FunctionBuilder, x: X): V128 {
  const { cdf } = normal(f, x)
  const tailEnd = f.keep(f32x4.lt(x, f32x4.const(-14.2)))
  return f32x4.mul(x, v128.andnot(cdf, tailEnd))
}

export function geluDerivative(f: FunctionBuilder, x: X): V128 {
  const { bell, cdf } = normal(f, x)
  // at infinity the bell is 0 in truth, and the limits are 0 and 1
  const bounded = f32x4.pmax(f32x4.pmin(x, f32x4.const(14.2)), f32x4.const(-14.2))
  return f32x4.add(cdf, f32x4.mul(f32x4.mul(bounded, bell), f32x4.const(1 / Math.sqrt(2 * Math.PI))))
}
