// sin and cos on four f32 lanes, within 2 ulp of float64: reduced by π/2 in float64, then Cephes' polynomials.
// Lanes beyond 2^20, where that reduction runs out of digits, are asked of the host.
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { call, type FunctionRef } from '../emit/module-builder.js'
import { f32, f64, i32 } from '../emit/scalar.js'
import { f32x4, f64x2, i32x4, v128 } from '../emit/simd.js'
import type { V128 } from '../emit/value.js'
import { highHalf, joinHalves } from './double-halves.js'
import { polynomial } from './polynomial.js'

type X = Local<'v128'>

const LIMIT = 2 ** 20
const TWO_OVER_PI = 2 / Math.PI
/** π/2 in two parts; the first has 33 significant bits, so its product with n < 2^20 is exact. */
const HALF_PI_HIGH = 1.57079632673412561417
const HALF_PI_LOW = 6.07710050650619224932e-11

const SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]
const COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]

function reduceHalf(f: FunctionBuilder, x: X): { readonly n: V128; readonly r: V128 } {
  const n = f.keep(f64x2.nearest(f64x2.mul(x, f64x2.const(TWO_OVER_PI))))
  const r = f64x2.sub(f64x2.sub(x, f64x2.mul(n, f64x2.const(HALF_PI_HIGH))), f64x2.mul(n, f64x2.const(HALF_PI_LOW)))
  return { n: i32x4.truncSatF64SZero(n), r: f32x4.demoteF64Zero(r) }
}

/** sin(x + quarter · π/2). */
function wave(f: FunctionBuilder, x: X, quarter: number): V128 {
  const low = reduceHalf(f, f.keep(f64x2.promoteLow(x)))
  const high = reduceHalf(f, f.keep(f64x2.promoteLow(highHalf(x))))
  const n = f.keep(i32x4.add(joinHalves(low.n, high.n), i32x4.const(quarter)))
  const r = f.keep(joinHalves(low.r, high.r))
  const square = f.keep(f32x4.mul(r, r))
  const sine = f.keep(f32x4.add(f32x4.mul(f32x4.mul(polynomial(square, SIN), square), r), r))
  const cosineTail = f32x4.mul(f32x4.mul(polynomial(square, COS), square), square)
  const cosine = f.keep(f32x4.add(f32x4.sub(cosineTail, f32x4.mul(square, f32x4.const(0.5))), f32x4.const(1)))
  const odd = i32x4.ne(v128.and(n, i32x4.const(1)), i32x4.const(0))
  const sign = i32x4.shl(v128.and(n, i32x4.const(2)), i32.const(30))
  return v128.xor(v128.select(odd, cosine, sine), sign)
}

function withHost(f: FunctionBuilder, x: X, fast: V128, host: FunctionRef<'f64'>): V128 {
  const value = f.keep(fast)
  f.if(v128.anyTrue(v128.not(f32x4.le(f32x4.abs(x), f32x4.const(LIMIT)))), () => {
    for (let lane = 0; lane < 4; lane++) f.set(value, f32x4.replace(value, lane, f32.demote(call(host, f64.promote(f32x4.extract(x, lane))))))
  })
  return value
}

/** -0 keeps its sign, which the reduction loses. */
export const sin = (f: FunctionBuilder, x: X, host: FunctionRef<'f64'>): V128 =>
  withHost(f, x, v128.select(f32x4.eq(x, f32x4.const(0)), x, f.keep(wave(f, x, 0))), host)

export const cos = (f: FunctionBuilder, x: X, host: FunctionRef<'f64'>): V128 => withHost(f, x, wave(f, x, 1), host)
