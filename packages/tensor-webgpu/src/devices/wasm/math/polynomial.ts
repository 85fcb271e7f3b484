// Polynomials by Horner's rule on four f32 or two f64 lanes. Coefficients run from the highest power to the constant.
import { f32x4, f64x2 } from '../emit/simd.js'
import type { Local } from '../emit/function-builder.js'
import type { V128 } from '../emit/value.js'

export const polynomial = (x: Local<'v128'>, [first, ...rest]: readonly number[]): V128 =>
  rest.reduce((sum, coefficient) => f32x4.add(f32x4.mul(sum, x), f32x4.const(coefficient)), f32x4.const(first))

export const polynomial64 = (x: Local<'v128'>, [first, ...rest]: readonly number[]): V128 =>
  rest.reduce((sum, coefficient) => f64x2.add(f64x2.mul(sum, x), f64x2.const(coefficient)), f64x2.const(first))
