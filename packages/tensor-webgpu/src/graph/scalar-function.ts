// The vocabulary of elementwise arithmetic: every function of one, two or three numbers that kernels can compute, with its exact meaning.
// Devices generate code for these names; what a name means is what `evaluate` says, in float64.
import { threefry2x32 } from '../random.js'

/** How the result's element type follows from the operands'. */
type ResultType = 'same' | 'bool' | 'u32'

export interface ScalarFunctionDefinition {
  readonly arity: 1 | 2 | 3
  readonly result: ResultType
  readonly evaluate: (a: number, b: number, c: number) => number
}

const SQRT_HALF = Math.SQRT1_2
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI)
const INV_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI)

/** The error function to float64 precision: Taylor series near zero, continued fraction (Lentz) in the tails. */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (Number.isNaN(x)) return x
  if (a > 6) return Math.sign(x)
  if (a < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
      term *= -(x * x) / n
      sum += term / (2 * n + 1)
    }
    return (2 / Math.sqrt(Math.PI)) * sum
  }
  let fraction = a
  for (let n = 60; n >= 1; n--) fraction = a + n / 2 / fraction
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction))
}

const normalCdf = (x: number): number => 0.5 * (1 + erf(x * SQRT_HALF))
const geluTanhInner = (x: number): number => SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  if (rest !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

const unary = (evaluate: (a: number) => number, result: ResultType = 'same'): ScalarFunctionDefinition => ({ arity: 1, result, evaluate })
const binary = (evaluate: (a: number, b: number) => number, result: ResultType = 'same'): ScalarFunctionDefinition => ({ arity: 2, result, evaluate })
const truth = (value: boolean): number => (value ? 1 : 0)

export const scalarFunctions = {
  neg: unary(a => -a),
  abs: unary(Math.abs),
  sign: unary(Math.sign),
  floor: unary(Math.floor),
  ceil: unary(Math.ceil),
  trunc: unary(Math.trunc),
  round: unary(roundHalfToEven),
  exp: unary(Math.exp),
  expm1: unary(Math.expm1),
  log: unary(Math.log),
  log1p: unary(Math.log1p),
  sqrt: unary(Math.sqrt),
  rsqrt: unary(a => 1 / Math.sqrt(a)),
  sin: unary(Math.sin),
  cos: unary(Math.cos),
  tanh: unary(Math.tanh),
  sigmoid: unary(a => 1 / (1 + Math.exp(-a))),
  erf: unary(erf),
  /** x · Φ(x). */
  gelu: unary(a => a * normalCdf(a)),
  /** d gelu / dx = Φ(x) + x φ(x). */
  geluDerivative: unary(a => normalCdf(a) + a * INV_SQRT_2PI * Math.exp(-0.5 * a * a)),
  /** GPT-2's tanh approximation. */
  geluTanh: unary(a => 0.5 * a * (1 + Math.tanh(geluTanhInner(a)))),
  geluTanhDerivative: unary(a => {
    const t = Math.tanh(geluTanhInner(a))
    return 0.5 * (1 + t) + 0.5 * a * (1 - t * t) * SQRT_2_OVER_PI * (1 + 3 * 0.044715 * a * a)
  }),
  isNan: unary(a => truth(Number.isNaN(a)), 'bool'),
  isFinite: unary(a => truth(Number.isFinite(a)), 'bool'),
  not: unary(a => truth(a === 0), 'bool'),

  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul: binary((a, b) => a * b),
  /** Float division; on integers truncated towards zero, and 0 where the divisor is 0. */
  div: binary((a, b) => a / b),
  /** Remainder with the sign of the divisor, as PyTorch's `remainder`. */
  mod: binary((a, b) => a - b * Math.floor(a / b)),
  pow: binary((a, b) => a ** b),
  max: binary((a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b))),
  min: binary((a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b))),
  eq: binary((a, b) => truth(a === b), 'bool'),
  ne: binary((a, b) => truth(a !== b), 'bool'),
  lt: binary((a, b) => truth(a < b), 'bool'),
  le: binary((a, b) => truth(a <= b), 'bool'),
  and: binary((a, b) => truth(a !== 0 && b !== 0), 'bool'),
  or: binary((a, b) => truth(a !== 0 || b !== 0), 'bool'),
  xor: binary((a, b) => truth((a !== 0) !== (b !== 0)), 'bool'),
  bitAnd: binary((a, b) => a & b),
  bitOr: binary((a, b) => a | b),
  bitXor: binary((a, b) => a ^ b),
  /** Shift counts are taken modulo 32. */
  shiftLeft: binary((a, b) => a << b),
  shiftRight: binary((a, b) => (a < 0 ? a >> b : a >>> b)),

  /** condition ? a : b. */
  where: { arity: 3, result: 'same', evaluate: (condition, a, b) => (condition !== 0 ? a : b) },
  /** First word of threefry-2x32 with key (a, b) at counter (c, 0): the only source of randomness. All operands are u32. */
  threefry: { arity: 3, result: 'u32', evaluate: (a, b, c) => threefry2x32(a, b, c, 0)[0] },
} as const satisfies Record<string, ScalarFunctionDefinition>

export type ScalarFunction = keyof typeof scalarFunctions
