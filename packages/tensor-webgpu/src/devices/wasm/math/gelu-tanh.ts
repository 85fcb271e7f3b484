// GPT-2's GELU, 0.5 x (1 + tanh u), and its derivative, with u = √(2/π) (x + 0.044715 x³), on four f32 lanes.
// 0.5 (1 + tanh u) = sigmoid(2u), which keeps its digits where the tanh form cancels. Infinite x gives the limits.
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { f32x4, v128 } from '../emit/simd.js'
import type { V128 } from '../emit/value.js'
import { expNegative } from './exponential.js'

type X = Local<'v128'>

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI)
const CUBIC = 0.044715

interface Gate {
  /** sigmoid(2u). */
  readonly gate: X
  /** gate (1 - gate), without the subtraction. */
  readonly bell: X
  readonly square: X
}

function gateOf(f: FunctionBuilder, x: X): Gate {
  const square = f.keep(f32x4.mul(x, x))
  const slope = f32x4.add(f32x4.mul(square, f32x4.const(2 * SQRT_2_OVER_PI * CUBIC)), f32x4.const(2 * SQRT_2_OVER_PI))
  const e = f.keep(expNegative(f, f32x4.neg(f32x4.abs(f32x4.mul(x, slope)))))
  const upper = f.keep(f32x4.div(f32x4.const(1), f32x4.add(e, f32x4.const(1))))
  const lower = f.keep(f32x4.mul(e, upper))
  const gate = f.keep(v128.select(f32x4.lt(x, f32x4.const(0)), lower, upper))
  return { gate, bell: f.keep(f32x4.mul(lower, upper)), square }
}

const valueAt = (x: X, { gate }: Gate): V128 => f32x4.mul(x, gate)

/** g + x g (1 - g) · 2u'. */
function slopeAt(f: FunctionBuilder, x: X, { gate, bell, square }: Gate): V128 {
  const slope = f32x4.add(f32x4.mul(square, f32x4.const(6 * SQRT_2_OVER_PI * CUBIC)), f32x4.const(2 * SQRT_2_OVER_PI))
  const moved = f32x4.mul(f32x4.mul(x, bell), slope)
  // where the bell is 0, an infinite x must not make NaN
  return f32x4.add(gate, v128.andnot(f.keep(moved), f32x4.eq(bell, f32x4.const(0))))
}

export const geluTanh = (f: FunctionBuilder, x: X): V128 => valueAt(x, gateOf(f, x))

export const geluTanhDerivative = (f: FunctionBuilder, x: X): V128 => slopeAt(f, x, gateOf(f, x))

/** Both from one exponential. */
export function geluTanhWithDerivative(f: FunctionBuilder, x: X): { readonly gelu: X; readonly derivative: X } {
  const gate = gateOf(f, x)
  return { gelu: f.keep(valueAt(x, gate)), derivative: f.keep(slopeAt(f, x, gate)) }
}
