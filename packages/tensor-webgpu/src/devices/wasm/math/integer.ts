// What 32-bit integers need beyond single instructions: division, remainder, powers, and the random function threefry-2x32.
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { i32 } from '../emit/scalar.js'
import { f64x2, i32x4, v128 } from '../emit/simd.js'
import type { V128 } from '../emit/value.js'
import { highHalf, joinHalves } from './double-halves.js'

type X = Local<'v128'>

/** Quotients in float64: a 53-bit quotient of 32-bit integers never rounds up to an integer it has not reached. */
function quotient(f: FunctionBuilder, a: X, b: X, signed: boolean): V128 {
  const widen = signed ? f64x2.convertLowI32S : f64x2.convertLowI32U
  const narrow = signed ? i32x4.truncSatF64SZero : i32x4.truncSatF64UZero
  const low = narrow(f64x2.div(widen(a), widen(b)))
  const high = narrow(f64x2.div(widen(highHalf(a)), widen(highHalf(b))))
  return joinHalves(f.keep(low), f.keep(high))
}

/** Truncated towards zero; by zero it is 0, and -2^31 / -1 wraps. */
export function divide(f: FunctionBuilder, a: X, b: X, signed: boolean): V128 {
  const value = f.keep(v128.andnot(quotient(f, a, b, signed), i32x4.eq(b, i32x4.const(0))))
  return signed ? v128.select(i32x4.eq(b, i32x4.const(-1)), i32x4.neg(a), value) : value
}

/** With the sign of the divisor; by zero it is 0. */
export function remainder(f: FunctionBuilder, a: X, b: X, signed: boolean): V128 {
  const q = f.keep(divide(f, a, b, signed))
  const truncated = f.keep(i32x4.sub(a, i32x4.mul(q, b)))
  const byZero = i32x4.eq(b, i32x4.const(0))
  if (!signed) return v128.andnot(truncated, byZero)
  // signs differ and the remainder is not 0: one divisor more
  const differs = i32x4.ltS(v128.xor(truncated, b), i32x4.const(0))
  const wrong = v128.andnot(differs, i32x4.eq(truncated, i32x4.const(0)))
  const value = i32x4.add(truncated, v128.and(b, wrong))
  return v128.andnot(value, byZero)
}

/** By squaring, wrapping; negative exponents give the truncated reciprocal. */
export function integerPower(f: FunctionBuilder, a: X, b: X, signed: boolean): V128 {
  const base = f.keep(a)
  const exponent = f.keep(b)
  const power = f.keep(i32x4.const(1))
  f.while(
    () => v128.anyTrue(exponent),
    () => {
      const odd = i32x4.ne(v128.and(exponent, i32x4.const(1)), i32x4.const(0))
      f.set(power, v128.select(odd, i32x4.mul(power, base), power))
      f.set(base, i32x4.mul(base, base))
      f.set(exponent, i32x4.shrU(exponent, i32.const(1)))
    },
  )
  if (!signed) return power
  const one = f.keep(i32x4.eq(a, i32x4.const(1)))
  const minusOne = f.keep(i32x4.eq(a, i32x4.const(-1)))
  const sign = v128.select(i32x4.ne(v128.and(b, i32x4.const(1)), i32x4.const(0)), i32x4.const(-1), i32x4.const(1))
  const reciprocal = v128.or(v128.and(minusOne, sign), v128.and(one, i32x4.const(1)))
  return v128.select(i32x4.ltS(b, i32x4.const(0)), reciprocal, power)
}

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24]

/** First word of threefry-2x32 (20 rounds) with key (a, b) at counter (c, 0), as random.ts defines it. */
export function threefry(f: FunctionBuilder, a: X, b: X, c: X): V128 {
  const keys = [a, b, f.keep(v128.xor(v128.xor(a, b), i32x4.const(0x1bd11bda)))]
  const x0 = f.keep(i32x4.add(c, a))
  const x1 = f.keep(b)
  for (let block = 0; block < 5; block++) {
    for (let round = 0; round < 4; round++) {
      const n = ROTATIONS[(block % 2) * 4 + round]
      f.set(x0, i32x4.add(x0, x1))
      f.set(x1, v128.xor(v128.or(i32x4.shl(x1, i32.const(n)), i32x4.shrU(x1, i32.const(32 - n))), x0))
    }
    f.set(x0, i32x4.add(x0, keys[(block + 1) % 3]))
    f.set(x1, i32x4.add(x1, i32x4.add(keys[(block + 2) % 3], i32x4.const(block + 1))))
  }
  return x0
}
