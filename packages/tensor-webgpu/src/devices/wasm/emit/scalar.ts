// Scalar instructions: 32-bit integers for addresses and counters, and the few float instructions kernels need outside SIMD.
import { float32Bytes, float64Bytes, signed, unsigned, type Effect, type F32, type F64, type I32, type Value, type ValueType } from './value.js'

const op = <T extends ValueType>(type: T, opcode: number, ...args: readonly Value[]): Value<T> => ({ type, code: [...args.flatMap(arg => arg.code), opcode] })
const binary = (opcode: number) => (a: I32, b: I32): I32 => op('i32', opcode, a, b)

const ALIGN_4 = 2
/** Address operand of a 4-byte access: alignment hint and constant offset. */
const memory4 = (offset: number): number[] => [ALIGN_4, ...unsigned(offset)]

const constant = (value: number): I32 => ({ type: 'i32', code: [0x41, ...signed(value)] })
const constantOf = (value: I32): number | null => (value.code.length === 2 && value.code[0] === 0x41 && value.code[1] < 0x40 ? value.code[1] : null)

export const i32 = {
  const: constant,
  load: (address: I32, offset = 0): I32 => ({ type: 'i32', code: [...address.code, 0x28, ...memory4(offset)] }),
  store: (address: I32, value: I32, offset = 0): Effect => ({ effect: [...address.code, ...value.code, 0x36, ...memory4(offset)] }),
  eqz: (a: I32): I32 => op('i32', 0x45, a),
  eq: binary(0x46),
  ne: binary(0x47),
  ltS: binary(0x48),
  ltU: binary(0x49),
  gtS: binary(0x4a),
  gtU: binary(0x4b),
  leS: binary(0x4c),
  leU: binary(0x4d),
  geS: binary(0x4e),
  geU: binary(0x4f),
  /** Adding the constant 0 costs nothing. */
  add: (a: I32, b: I32): I32 => (constantOf(b) === 0 ? a : op('i32', 0x6a, a, b)),
  sub: binary(0x6b),
  /** Multiplying by the constant 1 costs nothing. */
  mul: (a: I32, b: I32): I32 => (constantOf(b) === 1 ? a : op('i32', 0x6c, a, b)),
  divU: binary(0x6e),
  remU: binary(0x70),
  and: binary(0x71),
  or: binary(0x72),
  shl: binary(0x74),
  shrU: binary(0x76),
  select: (condition: I32, yes: I32, no: I32): I32 => ({ type: 'i32', code: [...yes.code, ...no.code, ...condition.code, 0x1b] }),
} as const

export const minS = (a: I32, b: I32): I32 => i32.select(i32.ltS(a, b), a, b)
export const maxS = (a: I32, b: I32): I32 => i32.select(i32.gtS(a, b), a, b)

export const f32 = {
  const: (value: number): F32 => ({ type: 'f32', code: [0x43, ...float32Bytes(value)] }),
  load: (address: I32, offset = 0): F32 => ({ type: 'f32', code: [...address.code, 0x2a, ...memory4(offset)] }),
  store: (address: I32, value: F32, offset = 0): Effect => ({ effect: [...address.code, ...value.code, 0x38, ...memory4(offset)] }),
  add: (a: F32, b: F32): F32 => op('f32', 0x92, a, b),
  demote: (a: F64): F32 => op('f32', 0xb6, a),
} as const

export const f64 = {
  const: (value: number): F64 => ({ type: 'f64', code: [0x44, ...float64Bytes(value)] }),
  promote: (a: F32): F64 => op('f64', 0xbb, a),
} as const
