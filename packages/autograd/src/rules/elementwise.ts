// Derivatives of the elementwise functions: one row a function, one formula an operand. `g` is the gradient of the result `y`, `x` the
// operands, all of one shape. Functions whose result is no float have no derivative and stand at the end.
import { Tensor, where } from '@abovo/tensor-webgpu'
import { build, type ScalarFunction } from '@abovo/tensor-webgpu/graph'
import type { InputGradients, RuleCall } from './rule.js'

interface Term {
  readonly g: Tensor
  readonly x: readonly Tensor[]
  readonly y: Tensor
}
type Derivative = (term: Term) => Tensor | null

const unary = (fn: ScalarFunction, x: Tensor): Tensor => new Tensor(build.elementwise(fn, x.node))
const constantOf = (x: Tensor): number | null => (x.node.operation.kind === 'constant' ? x.node.operation.value : null)

/** A step function: its derivative is zero wherever it exists. */
const flat: Derivative = () => null

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI)
const INV_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI)
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI)

/** d²/dx² of x·Φ(x): φ(x)·(2 − x²). */
function geluSecond(x: Tensor): Tensor {
  const squared = x.mul(x)
  return squared.mul(-0.5).exp().mul(squared.neg().add(2)).mul(INV_SQRT_2PI)
}

/** d²/dx² of x/2·(1 + tanh u), u = √(2/π)·(x + 0.044715 x³):  s·u′ + x/2·s·(u″ − 2·tanh(u)·u′²)  with s = 1 − tanh² u. */
function geluTanhSecond(x: Tensor): Tensor {
  const squared = x.mul(x)
  const t = squared.mul(0.044715).add(1).mul(x).mul(SQRT_2_OVER_PI).tanh()
  const s = t.mul(t).neg().add(1)
  const du = squared.mul(3 * 0.044715).add(1).mul(SQRT_2_OVER_PI)
  const ddu = x.mul(6 * 0.044715 * SQRT_2_OVER_PI)
  return s.mul(du.add(x.mul(0.5).mul(ddu.sub(t.mul(2).mul(du).mul(du)))))
}

/** The larger (or smaller) operand takes the gradient; where both are equal each takes half, as PyTorch has it. */
const extreme = (own: 0 | 1): Derivative => ({ g, x, y }) => {
  const other = x[1 - own]
  return where(y.eq(other), where(y.eq(x[own]), g.mul(0.5), 0), g)
}

/** d aᵇ / da = b·aᵇ⁻¹; zero where b = 0, also at a = 0. */
function powBase({ g, x: [a, b] }: Term): Tensor | null {
  const exponent = constantOf(b)
  if (exponent === 0) return null
  if (exponent !== null) return g.mul(a.pow(exponent - 1).mul(exponent))
  return where(b.eq(0), 0, g.mul(b).mul(a.pow(b.sub(1))))
}

/** d aᵇ / db = aᵇ·ln a; zero where a = 0 and b ≥ 0: the limit, not 0·(−∞). */
function powExponent({ g, x: [a, b], y }: Term): Tensor {
  const atZero = a.eq(0).logicalAnd(b.ge(0))
  return where(atZero, 0, g.mul(y).mul(where(atZero, 1, a).log()))
}

const derivatives = {
  neg: [({ g }) => g.neg()],
  abs: [({ g, x }) => g.mul(x[0].sign())],
  sign: [flat],
  floor: [flat],
  ceil: [flat],
  trunc: [flat],
  round: [flat],
  exp: [({ g, y }) => g.mul(y)],
  expm1: [({ g, y }) => g.mul(y.add(1))],
  log: [({ g, x }) => g.div(x[0])],
  log1p: [({ g, x }) => g.div(x[0].add(1))],
  sqrt: [({ g, y }) => g.div(y.mul(2))],
  rsqrt: [({ g, y }) => g.mul(y.mul(y).mul(y)).mul(-0.5)],
  sin: [({ g, x }) => g.mul(x[0].cos())],
  cos: [({ g, x }) => g.mul(x[0].sin().neg())],
  tanh: [({ g, y }) => g.mul(y.mul(y).neg().add(1))],
  sigmoid: [({ g, y }) => g.mul(y.mul(y.neg().add(1)))],
  erf: [({ g, x }) => g.mul(x[0].mul(x[0]).neg().exp().mul(TWO_OVER_SQRT_PI))],
  gelu: [({ g, x }) => g.mul(unary('geluDerivative', x[0]))],
  geluDerivative: [({ g, x }) => g.mul(geluSecond(x[0]))],
  geluTanh: [({ g, x }) => g.mul(unary('geluTanhDerivative', x[0]))],
  geluTanhDerivative: [({ g, x }) => g.mul(geluTanhSecond(x[0]))],
  add: [({ g }) => g, ({ g }) => g],
  sub: [({ g }) => g, ({ g }) => g.neg()],
  mul: [({ g, x }) => g.mul(x[1]), ({ g, x }) => g.mul(x[0])],
  div: [({ g, x }) => g.div(x[1]), ({ g, x, y }) => g.mul(y).div(x[1]).neg()],
  mod: [({ g }) => g, ({ g, x }) => g.mul(x[0].div(x[1]).floor()).neg()],
  pow: [powBase, powExponent],
  max: [extreme(0), extreme(1)],
  min: [extreme(0), extreme(1)],
  where: [flat, ({ g, x }) => where(x[0], g, 0), ({ g, x }) => where(x[0], 0, g)],

  isNan: [], isFinite: [], not: [], eq: [], ne: [], lt: [], le: [], and: [], or: [], xor: [],
  bitAnd: [], bitOr: [], bitXor: [], shiftLeft: [], shiftRight: [], threefry: [],
} satisfies Record<ScalarFunction, readonly Derivative[]>

export function elementwiseRule(fn: ScalarFunction, { inputs, output, gradient, needs }: RuleCall): InputGradients {
  const formulas: readonly Derivative[] = derivatives[fn]
  return formulas.map((formula, i) => (needs[i] ? formula({ g: gradient, x: inputs, y: output }) : null))
}
