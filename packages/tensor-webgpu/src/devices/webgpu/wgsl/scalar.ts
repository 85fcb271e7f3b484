// Every scalar function as a WGSL expression over registers, of one number or four at once. What each means is graph/scalar-function.ts.
import type { ScalarFunction } from '../../../graph/scalar-function.js'
import type { Prelude } from './prelude.js'
import { convert, literal, typeName, widen, type Register, type Value, type Width } from './value.js'

type Emit = (args: readonly Value[], prelude: Prelude) => Value

/** Functions that only exist on floats: the name of the built-in or of the prelude's function. */
const floatFunctions: Partial<Record<ScalarFunction, string>> = {
  floor: 'floor', ceil: 'ceil', trunc: 'trunc', round: 'round', sqrt: 'sqrt', rsqrt: 'inverseSqrt',
}
const preludeFunctions: Partial<Record<ScalarFunction, string>> = {
  exp: 'exponential', expm1: 'expm1', log: 'naturalLog', log1p: 'log1p', tanh: 'stableTanh', sigmoid: 'sigmoid', erf: 'erf', geluDerivative: 'geluDerivative',
  geluTanh: 'geluTanh', geluTanhDerivative: 'geluTanhDerivative',
}
const unchangedOnIntegers = new Set<ScalarFunction>(['floor', 'ceil', 'trunc', 'round'])
const bitOperators: Partial<Record<ScalarFunction, string>> = { bitAnd: '&', bitOr: '|', bitXor: '^' }
const comparisons: Partial<Record<ScalarFunction, string>> = { eq: '==', lt: '<', le: '<=' }
const arithmetic: Partial<Record<ScalarFunction, string>> = { add: '+', sub: '-', mul: '*' }

const make = (text: string, type: Register, width: Width): Value => ({ text, type, width })
const call = (name: string, args: readonly Value[], type: Register, width: Width): Value => make(`${name}(${args.map(arg => arg.text).join(', ')})`, type, width)

/** Applies `fn`; operands are brought to one width, and to floats where the function knows only floats. */
export function applyScalar(fn: ScalarFunction, operands: readonly Value[], prelude: Prelude): Value {
  const width: Width = operands.some(operand => operand.width === 4) ? 4 : 1
  const args = operands.map(operand => widen(operand, width))
  const type = args[0].type
  if (fn === 'where') return where(args)
  if (fn === 'threefry') return call(prelude.use('threefry', width), args.map(arg => convert(arg, 'u32')), 'u32', width)
  if (fn === 'not' || fn === 'and' || fn === 'or' || fn === 'xor') return logical(fn, args)
  if (fn in comparisons || fn === 'ne') return compare(fn, args)
  if (type === 'bool') return convert(applyScalar(fn, args.map(arg => convert(arg, 'u32')), prelude), 'bool')
  if (fn in arithmetic) return make(`(${args[0].text} ${arithmetic[fn]} ${args[1].text})`, type, width)
  if (fn in bitOperators) return make(`(${args[0].text} ${bitOperators[fn]} ${args[1].text})`, type, width)
  return type === 'f32' ? floatFunction(fn, args, prelude) : integerFunction(fn, args, prelude)
}

function where([condition, a, b]: readonly Value[]): Value {
  return make(`select(${b.text}, ${a.text}, ${convert(condition, 'bool').text})`, a.type, a.width)
}

function logical(fn: 'not' | 'and' | 'or' | 'xor', args: readonly Value[]): Value {
  const [a, b] = args.map(arg => convert(arg, 'bool'))
  if (fn === 'not') return make(`(!${a.text})`, 'bool', a.width)
  const operator = fn === 'and' ? '&' : fn === 'or' ? '|' : '!='
  return make(`(${a.text} ${operator} ${b.text})`, 'bool', a.width)
}

function compare(fn: ScalarFunction, args: readonly Value[]): Value {
  const [a, b] = args.map(arg => (arg.type === 'bool' ? convert(arg, 'u32') : arg))
  // WGSL's != on floats is false where one is NaN
  if (fn === 'ne') return make(`(!(${a.text} == ${b.text}))`, 'bool', a.width)
  return make(`(${a.text} ${comparisons[fn]} ${b.text})`, 'bool', a.width)
}

const floatSpecial: Partial<Record<ScalarFunction, Emit>> = {
  neg: ([a]) => make(`(-${a.text})`, 'f32', a.width),
  abs: ([a]) => call('abs', [a], 'f32', a.width),
  sign: ([a], prelude) => make(`${prelude.use('keepNan', a.width)}(${a.text}, sign(${a.text}))`, 'f32', a.width),
  sin: ([a], prelude) => make(`${prelude.use('sine', a.width)}(${a.text}, 0i)`, 'f32', a.width),
  cos: ([a], prelude) => make(`${prelude.use('sine', a.width)}(${a.text}, 1i)`, 'f32', a.width),
  gelu: ([a], prelude) => make(`(${a.text} * ${prelude.use('normalCdf', a.width)}(${a.text}))`, 'f32', a.width),
  isNan: (args, prelude) => call(prelude.use('isNan', args[0].width), args, 'bool', args[0].width),
  isFinite: (args, prelude) => call(prelude.use('isFinite', args[0].width), args, 'bool', args[0].width),
  div: ([a, b]) => make(`(${a.text} / ${b.text})`, 'f32', a.width),
  mod: ([a, b]) => make(`(${a.text} - ${b.text} * floor(${a.text} / ${b.text}))`, 'f32', a.width),
  max: (args, prelude) => call(prelude.use('maxFloat', args[0].width), args, 'f32', args[0].width),
  min: (args, prelude) => call(prelude.use('minFloat', args[0].width), args, 'f32', args[0].width),
  pow: (args, prelude) => call(prelude.use('floatPow', args[0].width), args, 'f32', args[0].width),
}

function floatFunction(fn: ScalarFunction, args: readonly Value[], prelude: Prelude): Value {
  const special = floatSpecial[fn]
  if (special !== undefined) return special(args, prelude)
  const width = args[0].width
  const builtin = floatFunctions[fn]
  if (builtin !== undefined) return call(builtin, args, 'f32', width)
  const own = preludeFunctions[fn]
  if (own !== undefined) return call(prelude.use(own, width), args, 'f32', width)
  // shifts of floats: JavaScript's operators truncate first
  return convert(integerFunction(fn, args.map(arg => convert(arg, 'i32')), prelude), 'f32')
}

const shift = (operator: string): Emit => ([a, b]) => {
  const unsigned = typeName('u32', a.width)
  return make(`(${a.text} ${operator} (${unsigned}(${b.text}) & ${unsigned}(31u)))`, a.type, a.width)
}

const integerSpecial: Partial<Record<ScalarFunction, Emit>> = {
  neg: ([a]) => make(`(${typeName(a.type, a.width)}(0) - ${a.text})`, a.type, a.width),
  abs: ([a]) => (a.type === 'u32' ? a : call('abs', [a], 'i32', a.width)),
  sign: ([a]) => (a.type === 'u32' ? call('min', [a, widen(make('1u', 'u32', 1), a.width)], 'u32', a.width) : call('sign', [a], 'i32', a.width)),
  isNan: ([a]) => widen(make('false', 'bool', 1), a.width),
  isFinite: ([a]) => widen(make('true', 'bool', 1), a.width),
  max: args => call('max', args, args[0].type, args[0].width),
  min: args => call('min', args, args[0].type, args[0].width),
  div: (args, prelude) => call(prelude.use(args[0].type === 'i32' ? 'intDiv' : 'uintDiv', args[0].width), args, args[0].type, args[0].width),
  mod: (args, prelude) => call(prelude.use(args[0].type === 'i32' ? 'intMod' : 'uintMod', args[0].width), args, args[0].type, args[0].width),
  shiftLeft: shift('<<'),
  shiftRight: shift('>>'),
}

function integerFunction(fn: ScalarFunction, args: readonly Value[], prelude: Prelude): Value {
  const [{ type, width }] = args
  const special = integerSpecial[fn]
  if (special !== undefined) return special(args, prelude)
  if (unchangedOnIntegers.has(fn)) return args[0]
  if (fn === 'pow') return convert(call(prelude.use('intPow', width), args.map(arg => convert(arg, 'i32')), 'i32', width), type)
  return convert(floatFunction(fn, args.map(arg => convert(arg, 'f32')), prelude), type)
}

/** `x ** exponent` for an exponent known beforehand, where multiplication or a root is exact and cheap; otherwise nothing. */
export function applyConstantPower(x: Value, exponent: number): Value | undefined {
  if (x.type !== 'f32') return undefined
  const one = widen(make(literal(1, 'f32'), 'f32', 1), x.width)
  if (exponent === 1) return x
  if (exponent === 2) return make(`(${x.text} * ${x.text})`, 'f32', x.width)
  if (exponent === 3) return make(`(${x.text} * ${x.text} * ${x.text})`, 'f32', x.width)
  if (exponent === 0.5) return call('sqrt', [x], 'f32', x.width)
  if (exponent === -0.5) return call('inverseSqrt', [x], 'f32', x.width)
  if (exponent === -1) return make(`(${one.text} / ${x.text})`, 'f32', x.width)
  return undefined
}
