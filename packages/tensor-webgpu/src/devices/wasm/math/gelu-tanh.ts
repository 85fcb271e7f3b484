// GPT-2's GELU, 0.5 x (1 + tanh u), and its derivative, with u = √(2/π) (x + 0.044715 x³), on four f32 lanes.
// 0.5 (1 + tanh u) = sigmoid(2u), which keeps its digits where the tanh form cancels.
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { f32x4, v128 } from '../emit/simd.js'
import type { V128 } from '../emit/value.js'
import { sigmoid } from './exponential.js'

type X = Local<'v128'>

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI)
const CUBIC = 0.044715

/** sigmoid(2u) where |x| is large enough to be 0 or 1 is reached before x³ overflows. */
function gate(f: FunctionBuilder, x: X): { readonly gate: X; readonly square: X } {
  const square = f.keep(f32x4.mul(x, x))
  const slope = f32x4.add(f32x4.mul(square, f32x4.const(2 * SQRT_2_OVER_PI * CUBIC)), f32x4.const(2 * SQRT_2_OVER_PI))
  const twiceU = f.keep(f32x4.mul(x, slope))
  return { gate: f.keep(sigmoid(f, twiceU)), square }
}

export function geluTanh(f: FunctionBuilder, x: X): V128 {
  return f32x4.mul(x, gate(f, x).gate)
}

/** g + x g (1 - g) · 2u', where x² is bounded so that its product with a gate of 0 or 1 is 0. */
export function geluTanhDerivative(f: FunctionBuilder, x: X): V128 {
  const { gate: g, square } = gate(f, x)
  const bounded = f32x4.min(square, f32x4.const(1e4))
  const slope = f32x4.add(f32x4.mul(bounded, f32x4.const(6 * SQRT_2_OVER_PI * CUBIC)), f32x4.const(2 * SQRT_2_OVER_PI))
  const bell = f.keep(f32x4.mul(f32x4.mul(g, f32x4.sub(f32x4.const(1), g)), slope))
  // where the bell is 0 an infinite x must not make NaN
  const moved = v128.select(f32x4.eq(bell, f32x4.const(0)), f32x4.const(0), f32x4.mul(x, bell))
  return f32x4.add(g, moved)
}
