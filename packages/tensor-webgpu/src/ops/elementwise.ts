// Elementwise verbs: arithmetic, comparison, activations. Operands broadcast and promote; see graph/scalar-function.ts for exact meanings.
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import type { ScalarFunction } from '../graph/scalar-function.js'
import { isFloat as isFloatType } from '../dtype.js'
import { broadcastOperands, broadcastTo, requireFloat, requireNumber, sameDevice, scalarLike, toFloat, type Operand } from './operand.js'
import { broadcastShapes } from '../shape.js'
import { DtypeError } from '../errors.js'

const binary =
  (name: string, fn: ScalarFunction) =>
  (a: Operand, b: Operand): Node => {
    const [x, y] = broadcastOperands(name, [a, b])
    return build.elementwise(fn, x, y)
  }

/** Arithmetic that bool does not have. */
const numeric =
  (name: string, fn: ScalarFunction) =>
  (a: Operand, b: Operand): Node => {
    const [x, y] = broadcastOperands(name, [a, b])
    return build.elementwise(fn, requireNumber(name, x), y)
  }

const floatUnary =
  (fn: ScalarFunction) =>
  (a: Node): Node =>
    build.elementwise(fn, toFloat(a))

const numericUnary =
  (name: string, fn: ScalarFunction) =>
  (a: Node): Node =>
    build.elementwise(fn, requireNumber(name, a))

export const add = binary('add', 'add')
export const sub = numeric('sub', 'sub')
export const mul = binary('mul', 'mul')
export const maximum = binary('maximum', 'max')
export const minimum = binary('minimum', 'min')
export const remainder = numeric('remainder', 'mod')
export const eq = binary('eq', 'eq')
export const ne = binary('ne', 'ne')
export const lt = binary('lt', 'lt')
export const le = binary('le', 'le')
export const gt = (a: Operand, b: Operand): Node => lt(b, a)
export const ge = (a: Operand, b: Operand): Node => le(b, a)

/** True division: integers become f32. */
export function div(a: Operand, b: Operand): Node {
  const [x, y] = broadcastOperands('div', [a, b])
  return build.elementwise('div', toFloat(x), toFloat(y))
}

/** Integer division truncated towards zero; 0 where the divisor is 0. Floats: trunc(a / b). */
export function truncDivide(a: Operand, b: Operand): Node {
  const [x, y] = broadcastOperands('truncDivide', [a, b])
  const quotient = build.elementwise('div', requireNumber('truncDivide', x), y)
  return isFloatType(x.dtype) ? build.elementwise('trunc', quotient) : quotient
}

/** Integers stay integers (wrapping; a negative exponent gives the reciprocal truncated towards zero), unless the exponent is fractional. */
export function pow(a: Operand, b: Operand): Node {
  const [x, y] = broadcastOperands('pow', [a, b])
  requireNumber('pow', x)
  if (typeof b === 'number') {
    if (b === 2) return build.elementwise('mul', x, x)
    if (b === 1) return x
    if (b === 0.5) return build.elementwise('sqrt', x)
  }
  return build.elementwise('pow', x, y)
}

const bitwise =
  (name: string, fn: ScalarFunction, onBool: ScalarFunction | null = null) =>
  (a: Operand, b: Operand): Node => {
    const [x, y] = broadcastOperands(name, [a, b])
    if (isFloatType(x.dtype) || (onBool === null && x.dtype === 'bool')) throw new DtypeError(`${name}: operands must be integers${onBool === null ? '' : ' or bool'}, got ${x.dtype}; convert with .to('i32')`)
    return build.elementwise(x.dtype === 'bool' && onBool !== null ? onBool : fn, x, y)
  }

export const bitwiseAnd = bitwise('bitwiseAnd', 'bitAnd', 'and')
export const bitwiseOr = bitwise('bitwiseOr', 'bitOr', 'or')
export const bitwiseXor = bitwise('bitwiseXor', 'bitXor', 'xor')
export const shiftLeft = bitwise('shiftLeft', 'shiftLeft')
export const shiftRight = bitwise('shiftRight', 'shiftRight')

const logical =
  (name: string, fn: ScalarFunction) =>
  (a: Operand, b: Operand): Node => {
    const [x, y] = broadcastOperands(name, [a, b])
    return build.elementwise(fn, build.cast(x, 'bool'), build.cast(y, 'bool'))
  }

export const logicalAnd = logical('logicalAnd', 'and')
export const logicalOr = logical('logicalOr', 'or')
export const logicalXor = logical('logicalXor', 'xor')
export const logicalNot = (a: Node): Node => build.elementwise('not', build.cast(a, 'bool'))

export const neg = numericUnary('neg', 'neg')
export const abs = numericUnary('abs', 'abs')
export const sign = numericUnary('sign', 'sign')
export const floor = numericUnary('floor', 'floor')
export const ceil = numericUnary('ceil', 'ceil')
export const trunc = numericUnary('trunc', 'trunc')
export const round = numericUnary('round', 'round')
export const exp = floatUnary('exp')
export const expm1 = floatUnary('expm1')
export const log = floatUnary('log')
export const log1p = floatUnary('log1p')
export const sqrt = floatUnary('sqrt')
export const rsqrt = floatUnary('rsqrt')
export const sin = floatUnary('sin')
export const cos = floatUnary('cos')
export const tanh = floatUnary('tanh')
export const sigmoid = floatUnary('sigmoid')
export const erf = floatUnary('erf')
export const isNan = floatUnary('isNan')
export const isFinite = floatUnary('isFinite')
export const reciprocal = (a: Node): Node => div(1, a)
export const square = (a: Node): Node => mul(requireNumber('square', a), a)

/** By selection, not by maximum: its gradient at 0 is 0, as PyTorch's, where a maximum shares a tie. */
export const relu = (a: Node): Node => where(le(requireNumber('relu', a), 0), 0, a)
export const silu = (a: Node): Node => mul(requireFloat('silu', a), sigmoid(a))
/** log(1 + eˣ), without overflow. */
export const softplus = (a: Node): Node => add(maximum(requireFloat('softplus', a), 0), log1p(exp(neg(abs(a)))))

/** Gaussian error linear unit: exact (x·Φ(x)) or GPT-2's tanh approximation. arXiv 1606.08415. */
export function gelu(a: Node, { approximate = 'none' }: { approximate?: 'none' | 'tanh' } = {}): Node {
  return build.elementwise(approximate === 'tanh' ? 'geluTanh' : 'gelu', requireFloat('gelu', a))
}

export function clamp(a: Node, { min, max }: { min?: number; max?: number }): Node {
  // By selection, not by maximum and minimum: the gradient at a bound is 1, as PyTorch's, where a maximum shares a tie.
  const raised = min === undefined ? a : where(lt(a, min), min, a)
  return max === undefined ? raised : where(lt(max, raised), max, raised)
}

/** condition ? a : b, all three broadcast together. */
export function where(condition: Node, a: Operand, b: Operand): Node {
  const [x, y] = typeof a === 'number' && typeof b === 'number' ? broadcastOperands('where', [build.constant(a, [], 'f32', condition.device), b]) : broadcastOperands('where', [a, b])
  sameDevice('where', [condition, x])
  const shape = broadcastShapes('where', condition.shape, x.shape)
  return build.elementwise('where', broadcastTo(build.cast(condition, 'bool'), shape), broadcastTo(x, shape), broadcastTo(y, shape))
}

/** The element type stays. */
export const maskedFill = (a: Node, mask: Node, value: number): Node => where(mask, scalarLike('maskedFill', value, a), a)
