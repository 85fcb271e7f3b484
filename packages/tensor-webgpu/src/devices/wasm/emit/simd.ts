// SIMD128 instructions by the names of the WebAssembly specification. Each takes and gives code (see value.ts).
import { float32Bytes, float64Bytes, int32Bytes, unsigned, type Effect, type F32, type F64, type I32, type V128, type Value, type ValueType } from './value.js'

const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)]
const op = <T extends ValueType>(type: T, opcode: number, args: readonly Value[], immediates: readonly number[] = []): Value<T> => ({
  type,
  code: [...args.flatMap(arg => arg.code), ...simd(opcode), ...immediates],
})
const unary = (opcode: number) => (a: V128): V128 => op('v128', opcode, [a])
const binary = (opcode: number) => (a: V128, b: V128): V128 => op('v128', opcode, [a, b])
const shift = (opcode: number) => (a: V128, count: I32): V128 => op('v128', opcode, [a, count])
const test = (opcode: number) => (a: V128): I32 => op('i32', opcode, [a])
/** Alignment hints: rows may start at any element. */
const memory = (offset: number, align = 2): number[] => [align, ...unsigned(offset)]
const bytes = (values: readonly number[]): V128 => ({ type: 'v128', code: [...simd(12), ...values] })

export const v128 = {
  load: (address: I32, offset = 0): V128 => op('v128', 0, [address], memory(offset)),
  load32Splat: (address: I32, offset = 0): V128 => op('v128', 9, [address], memory(offset)),
  load32Zero: (address: I32, offset = 0): V128 => op('v128', 92, [address], memory(offset)),
  load64Zero: (address: I32, offset = 0): V128 => op('v128', 93, [address], memory(offset)),
  load32Lane: (address: I32, value: V128, lane: number, offset = 0): V128 => op('v128', 86, [address, value], [...memory(offset), lane]),
  store: (address: I32, value: V128, offset = 0): Effect => ({ effect: op('v128', 11, [address, value], memory(offset)).code }),
  store32Lane: (address: I32, value: V128, lane: number, offset = 0): Effect => ({ effect: op('v128', 90, [address, value], [...memory(offset), lane]).code }),
  store64Lane: (address: I32, value: V128, lane: number, offset = 0): Effect => ({ effect: op('v128', 91, [address, value], [...memory(offset), lane]).code }),
  /** `lanes` choose 32-bit lanes: 0-3 of a, 4-7 of b. */
  shuffle32: (a: V128, b: V128, lanes: readonly [number, number, number, number]): V128 =>
    op('v128', 13, [a, b], lanes.flatMap(lane => [0, 1, 2, 3].map(byte => lane * 4 + byte))),
  not: unary(77),
  and: binary(78),
  /** a and not b. */
  andnot: binary(79),
  or: binary(80),
  xor: binary(81),
  /** Bits of a where the mask is set, else of b. */
  select: (mask: V128, a: V128, b: V128): V128 => op('v128', 82, [a, b, mask]),
  anyTrue: test(83),
} as const

export const i32x4 = {
  const: (value: number): V128 => bytes([0, 1, 2, 3].flatMap(() => int32Bytes(value))),
  lanes: (values: readonly number[]): V128 => bytes(values.flatMap(int32Bytes)),
  splat: (a: I32): V128 => op('v128', 17, [a]),
  extract: (a: V128, lane: number): I32 => op('i32', 27, [a], [lane]),
  eq: binary(55),
  ne: binary(56),
  ltS: binary(57),
  ltU: binary(58),
  gtS: binary(59),
  gtU: binary(60),
  leS: binary(61),
  leU: binary(62),
  geS: binary(63),
  geU: binary(64),
  abs: unary(160),
  neg: unary(161),
  allTrue: test(163),
  shl: shift(171),
  shrS: shift(172),
  shrU: shift(173),
  add: binary(174),
  sub: binary(177),
  mul: binary(181),
  minS: binary(182),
  minU: binary(183),
  maxS: binary(184),
  maxU: binary(185),
  truncSatF32S: unary(248),
  truncSatF32U: unary(249),
  truncSatF64SZero: unary(252),
  truncSatF64UZero: unary(253),
} as const

export const f32x4 = {
  const: (value: number): V128 => bytes([0, 1, 2, 3].flatMap(() => float32Bytes(value))),
  splat: (a: F32): V128 => op('v128', 19, [a]),
  extract: (a: V128, lane: number): F32 => op('f32', 31, [a], [lane]),
  replace: (a: V128, lane: number, value: F32): V128 => op('v128', 32, [a, value], [lane]),
  eq: binary(65),
  ne: binary(66),
  lt: binary(67),
  gt: binary(68),
  le: binary(69),
  ge: binary(70),
  ceil: unary(103),
  floor: unary(104),
  trunc: unary(105),
  nearest: unary(106),
  abs: unary(224),
  neg: unary(225),
  sqrt: unary(227),
  add: binary(228),
  sub: binary(229),
  mul: binary(230),
  div: binary(231),
  /** NaN if either is NaN. */
  min: binary(232),
  max: binary(233),
  /** b < a ? b : a, one instruction where min takes several; a NaN in a stays. */
  pmin: binary(234),
  /** a < b ? b : a. */
  pmax: binary(235),
  convertI32S: unary(250),
  convertI32U: unary(251),
  /** Two f64 to lanes 0 and 1; lanes 2 and 3 are zero. */
  demoteF64Zero: unary(94),
} as const

export const f64x2 = {
  const: (value: number): V128 => bytes([0, 1].flatMap(() => float64Bytes(value))),
  splat: (a: F64): V128 => op('v128', 20, [a]),
  promoteLow: unary(95),
  convertLowI32S: unary(254),
  convertLowI32U: unary(255),
  eq: binary(71),
  lt: binary(73),
  gt: binary(74),
  floor: unary(117),
  trunc: unary(122),
  nearest: unary(148),
  abs: unary(236),
  neg: unary(237),
  add: binary(240),
  sub: binary(241),
  mul: binary(242),
  div: binary(243),
} as const

export const i64x2 = {
  const: (low: number, high: number): V128 => bytes([0, 1].flatMap(() => [...int32Bytes(low), ...int32Bytes(high)])),
  shl: shift(203),
  shrU: shift(205),
  add: binary(206),
  sub: binary(209),
} as const
