// Pieces of WebAssembly code with the type of what they leave on the stack. A value is code, not a result: using it twice computes it twice.

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128'

export interface Value<T extends ValueType = ValueType> {
  readonly type: T
  readonly code: readonly number[]
}

export type I32 = Value<'i32'>
export type F32 = Value<'f32'>
export type F64 = Value<'f64'>
export type V128 = Value<'v128'>

/** Code that leaves nothing on the stack: a store, a call for its effect. */
export interface Effect {
  readonly effect: readonly number[]
}

export const typeByte: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b }

/** LEB128, unsigned. */
export function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value >>> 0
  do {
    const low = rest & 0x7f
    rest >>>= 7
    bytes.push(rest === 0 ? low : low | 0x80)
  } while (rest !== 0)
  return bytes
}

/** LEB128 of a 32-bit signed integer. */
export function signed(value: number): number[] {
  const bytes: number[] = []
  let rest = value | 0
  for (;;) {
    const low = rest & 0x7f
    rest >>= 7
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}

const words = new DataView(new ArrayBuffer(8))

export function float32Bytes(value: number): number[] {
  words.setFloat32(0, value, true)
  return Array.from({ length: 4 }, (_, i) => words.getUint8(i))
}

export function float64Bytes(value: number): number[] {
  words.setFloat64(0, value, true)
  return Array.from({ length: 8 }, (_, i) => words.getUint8(i))
}

export function int32Bytes(value: number): number[] {
  words.setInt32(0, value | 0, true)
  return Array.from({ length: 4 }, (_, i) => words.getUint8(i))
}
