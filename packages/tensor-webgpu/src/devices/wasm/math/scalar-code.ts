// The vocabulary of graph/scalar-function.ts as SIMD code: one function on four lanes of f32, i32, u32 or bool.
// Long functions are called, short ones are written in place.
import type { Dtype } from '../../../dtype.js'
import type { ScalarFunction } from '../../../graph/scalar-function.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { call } from '../emit/module-builder.js'
import { i32 } from '../emit/scalar.js'
import { f32x4, f64x2, i32x4, v128 } from '../emit/simd.js'
import type { I32, V128 } from '../emit/value.js'
import type { KernelModule } from '../kernels/kernel-module.js'
import { inDouble } from './double-halves.js'
import { erf, gelu, geluDerivative } from './error-function.js'
import { exp, expm1, sigmoid, tanh } from './exponential.js'
import { geluTanh, geluTanhDerivative } from './gelu-tanh.js'
import { divide, integerPower, remainder, threefry } from './integer.js'
import { log, log1p } from './logarithm.js'
import { power } from './power.js'
import { cos, sin } from './trigonometry.js'

export type X = Local<'v128'>

export interface ScalarContext {
  readonly f: FunctionBuilder
  readonly module: KernelModule
}

/** A lane mask (all ones or zero) as bool. */
const truth = (mask: V128): V128 => v128.and(mask, i32x4.const(1))

/** Lanes that are not zero; NaN is not zero. */
export const nonZero = (x: X, dtype: Dtype): V128 => (dtype === 'f32' ? f32x4.ne(x, f32x4.const(0)) : i32x4.ne(x, i32x4.const(0)))

const called = ({ f, module }: ScalarContext, name: string, args: readonly X[], body: (f: FunctionBuilder, ...params: X[]) => V128): V128 => {
  const types = args.map(() => 'v128' as const)
  const target = module.builder.define(name, types, 'v128', inner => body(inner, ...types.map((type, i) => inner.param(type, i))))
  return f.keep(call(target, ...args))
}

const copySign = (magnitude: V128, sign: V128): V128 => v128.or(magnitude, v128.and(sign, i32x4.const(0x80000000)))

/** Counts are taken per lane; SIMD shifts take one count for all, which constants give. */
function shift(f: FunctionBuilder, a: X, b: X, count: number | null, vector: (a: V128, n: I32) => V128): V128 {
  if (count !== null) return vector(a, i32.const(count & 31))
  const value = f.keep(i32x4.const(0))
  for (let lane = 0; lane < 4; lane++) {
    const only = i32x4.lanes([0, 1, 2, 3].map(i => (i === lane ? -1 : 0)))
    f.set(value, v128.or(value, v128.and(vector(a, i32x4.extract(b, lane)), only)))
  }
  return value
}

function floatCode(context: ScalarContext, fn: ScalarFunction, a: X, b: X): V128 {
  const { f, module } = context
  switch (fn) {
    case 'neg':
      return f32x4.neg(a)
    case 'abs':
      return f32x4.abs(a)
    case 'sign':
      // zeros and NaN are themselves
      return v128.select(f.keep(f32x4.gt(f32x4.abs(a), f32x4.const(0))), copySign(f32x4.const(1), a), a)
    case 'floor':
      return f32x4.floor(a)
    case 'ceil':
      return f32x4.ceil(a)
    case 'trunc':
      return f32x4.trunc(a)
    case 'round':
      return f32x4.nearest(a)
    case 'exp':
      return exp(f, a)
    case 'expm1':
      return called(context, fn, [a], expm1)
    case 'log':
      return log(f, a)
    case 'log1p':
      return called(context, fn, [a], log1p)
    case 'sqrt':
      return f32x4.sqrt(a)
    case 'rsqrt':
      return f32x4.div(f32x4.const(1), f32x4.sqrt(a))
    case 'sin':
      return called(context, fn, [a], (inner, x) => sin(inner, x, module.sin))
    case 'cos':
      return called(context, fn, [a], (inner, x) => cos(inner, x, module.cos))
    case 'tanh':
      return tanh(f, a)
    case 'sigmoid':
      return sigmoid(f, a)
    case 'erf':
      return called(context, fn, [a], erf)
    case 'gelu':
      return called(context, fn, [a], gelu)
    case 'geluDerivative':
      return called(context, fn, [a], geluDerivative)
    case 'geluTanh':
      return geluTanh(f, a)
    case 'geluTanhDerivative':
      return geluTanhDerivative(f, a)
    case 'isNan':
      return truth(f32x4.ne(a, a))
    case 'isFinite':
      return truth(f32x4.lt(f32x4.abs(a), f32x4.const(Infinity)))
    case 'add':
      return f32x4.add(a, b)
    case 'sub':
      return f32x4.sub(a, b)
    case 'mul':
      return f32x4.mul(a, b)
    case 'div':
      return f32x4.div(a, b)
    case 'mod':
      return called(context, fn, [a, b], (inner, x, y) =>
        inDouble(inner, [x, y], (p, q) => f64x2.sub(p, f64x2.mul(q, f64x2.floor(f64x2.div(p, q))))),
      )
    case 'pow':
      return called(context, fn, [a, b], (inner, x, y) => power(inner, x, y, module.pow))
    case 'max':
      return f32x4.max(a, b)
    case 'min':
      return f32x4.min(a, b)
    case 'eq':
      return truth(f32x4.eq(a, b))
    case 'ne':
      return truth(f32x4.ne(a, b))
    case 'lt':
      return truth(f32x4.lt(a, b))
    case 'le':
      return truth(f32x4.le(a, b))
    default:
      throw new TypeError(`wasm: ${fn} must have integer or bool operands, got f32`)
  }
}

function integerCode(context: ScalarContext, fn: ScalarFunction, a: X, b: X, dtype: Dtype, count: number | null): V128 {
  const { f } = context
  const isSigned = dtype === 'i32'
  switch (fn) {
    case 'neg':
      return i32x4.neg(a)
    case 'abs':
      return isSigned ? i32x4.abs(a) : a
    case 'sign':
      return isSigned ? v128.or(i32x4.shrS(a, i32.const(31)), truth(i32x4.gtS(a, i32x4.const(0)))) : truth(nonZero(a, dtype))
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'round':
      return a
    case 'isNan':
      return i32x4.const(0)
    case 'isFinite':
      return i32x4.const(1)
    case 'add':
      return i32x4.add(a, b)
    case 'sub':
      return i32x4.sub(a, b)
    case 'mul':
      return i32x4.mul(a, b)
    case 'div':
      return called(context, `div ${dtype}`, [a, b], (inner, x, y) => divide(inner, x, y, isSigned))
    case 'mod':
      return called(context, `mod ${dtype}`, [a, b], (inner, x, y) => remainder(inner, x, y, isSigned))
    case 'pow':
      return called(context, `pow ${dtype}`, [a, b], (inner, x, y) => integerPower(inner, x, y, isSigned))
    case 'max':
      return isSigned ? i32x4.maxS(a, b) : i32x4.maxU(a, b)
    case 'min':
      return isSigned ? i32x4.minS(a, b) : i32x4.minU(a, b)
    case 'eq':
      return truth(i32x4.eq(a, b))
    case 'ne':
      return truth(i32x4.ne(a, b))
    case 'lt':
      return truth(isSigned ? i32x4.ltS(a, b) : i32x4.ltU(a, b))
    case 'le':
      return truth(isSigned ? i32x4.leS(a, b) : i32x4.leU(a, b))
    case 'bitAnd':
      return v128.and(a, b)
    case 'bitOr':
      return v128.or(a, b)
    case 'bitXor':
      return v128.xor(a, b)
    case 'shiftLeft':
      return shift(f, a, b, count, i32x4.shl)
    case 'shiftRight':
      return shift(f, a, b, count, isSigned ? i32x4.shrS : i32x4.shrU)
    default: {
      const converted = f.keep(convert(a, dtype, 'f32'))
      return convert(f.keep(floatCode(context, fn, converted, converted)), 'f32', dtype)
    }
  }
}

/** `cast`: floats to integers truncate (out of range they saturate, NaN is 0, negatives as u32 are 0); to bool is `!= 0`. */
export function convert(x: X, from: Dtype, to: Dtype): V128 {
  if (from === to) return x
  if (to === 'bool') return truth(nonZero(x, from))
  if (to === 'f32') return from === 'i32' ? f32x4.convertI32S(x) : f32x4.convertI32U(x)
  if (from === 'f32') return to === 'i32' ? i32x4.truncSatF32S(x) : i32x4.truncSatF32U(x)
  return x
}

/**
 * Code for `fn` on operands of type `dtype` (that of the last operand). `count` is the last operand's value where it is a constant.
 */
export function scalarCode(context: ScalarContext, fn: ScalarFunction, args: readonly X[], dtype: Dtype, count: number | null): V128 {
  const { f } = context
  const [a, b = args[0], c = args[0]] = args
  const truthOf = (x: X): V128 => nonZero(x, dtype)
  if (fn === 'not') return truth(v128.not(truthOf(a)))
  if (fn === 'and') return truth(v128.and(truthOf(a), truthOf(b)))
  if (fn === 'or') return truth(v128.or(truthOf(a), truthOf(b)))
  if (fn === 'xor') return truth(v128.xor(truthOf(a), truthOf(b)))
  if (fn === 'threefry') return called(context, fn, [a, b, c], threefry)
  if (fn === 'pow' && count === 2 && dtype === 'f32') return f32x4.mul(a, a)
  if (dtype === 'f32') return floatCode(context, fn, a, b)
  const value = integerCode(context, fn, a, b, dtype, count)
  // arithmetic on bools stays within 0 and 1
  return dtype === 'bool' ? truth(i32x4.ne(f.keep(value), i32x4.const(0))) : value
}
