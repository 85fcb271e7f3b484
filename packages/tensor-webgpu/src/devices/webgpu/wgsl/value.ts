// A value in the middle of a shader: the text that names it, its element type in registers, and whether it is one number or four.
import type { Dtype } from '../../../dtype.js'

/** How an element is held while computing: f16 is widened to f32, bool is WGSL's bool (stored as u32 0 or 1). */
export type Register = 'f32' | 'i32' | 'u32' | 'bool'
export type Width = 1 | 4

export interface Value {
  readonly text: string
  readonly type: Register
  readonly width: Width
}

export const registerOf = (dtype: Dtype): Register => (dtype === 'f16' ? 'f32' : dtype)

const vectors: Record<Register, string> = { f32: 'vec4f', i32: 'vec4i', u32: 'vec4u', bool: 'vec4<bool>' }
export const typeName = (type: Register, width: Width): string => (width === 1 ? type : vectors[type])

/** The element type of a storage array. */
export function storageType(dtype: Dtype, width: Width): string {
  const scalar = dtype === 'bool' ? 'u32' : dtype
  return width === 1 ? scalar : `vec4<${scalar}>`
}

export function widen(value: Value, width: Width): Value {
  if (value.width === width) return value
  return { text: `${typeName(value.type, width)}(${value.text})`, type: value.type, width }
}

/** A finite number as WGSL text; infinities and NaN have none and come from `specialBits`. */
export function literal(value: number, type: Register): string {
  if (type === 'bool') return value !== 0 ? 'true' : 'false'
  if (type === 'u32') return `${Math.trunc(value) >>> 0}u`
  // -2147483648 is not an i32 literal: WGSL reads a minus and a number too large
  if (type === 'i32') return Math.trunc(value) === -2147483648 ? '(-2147483647i - 1i)' : `${Math.trunc(value) | 0}i`
  const rounded = Math.fround(value)
  const text = String(rounded)
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`
}

/** Conversion between element types: truncation to integers, `!= 0` to bool. */
export function convert(value: Value, type: Register): Value {
  if (value.type === type) return value
  const target = typeName(type, value.width)
  // not `!= 0`, which is false for NaN
  if (type === 'bool') return { text: `(!(${value.text} == ${typeName(value.type, value.width)}(0)))`, type, width: value.width }
  const converted = `${target}(${value.text})`
  if (value.type !== 'f32' || (type !== 'i32' && type !== 'u32')) return { text: converted, type, width: value.width }
  // WGSL clamps to the largest float below the limit, and promises nothing for NaN
  const [limit, most] = type === 'i32' ? ['2147483648.0', '2147483647i'] : ['4294967296.0', '4294967295u']
  const float = typeName('f32', value.width)
  const saturated = `select(${converted}, ${target}(${most}), ${value.text} >= ${float}(${limit}))`
  return { text: `select(${saturated}, ${target}(0), !(${value.text} == ${value.text}))`, type, width: value.width }
}
