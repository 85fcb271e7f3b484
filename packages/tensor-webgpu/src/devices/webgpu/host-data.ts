// Host arrays as the bytes a GPU buffer holds, and back: bool as u32 0 or 1, f16 as rounded half floats.
import { bytesPerElement, type Dtype, type TypedArray } from '../../dtype.js'
import { DtypeError, ShapeError } from '../../errors.js'

const scratch = new DataView(new ArrayBuffer(4))

/** Bits of the nearest half float, ties to even. */
export function halfFromFloat(value: number): number {
  scratch.setFloat32(0, value)
  const bits = scratch.getUint32(0)
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 0xff) - 127
  const mantissa = bits & 0x7fffff
  if (exponent === 128) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200)
  if (exponent < -25) return sign
  // subnormal halves shift the implicit one into the mantissa
  const shift = exponent < -14 ? -1 - exponent : 13
  const full = exponent < -14 ? mantissa | 0x800000 : mantissa
  const base = exponent < -14 ? full >>> shift : ((exponent + 15) << 10) | (full >>> 13)
  const rest = full & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  const rounded = base + (rest > half || (rest === half && (base & 1) === 1) ? 1 : 0)
  return sign | Math.min(rounded, 0x7c00)
}

export function floatFromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 31
  const mantissa = half & 0x3ff
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : Number.NaN
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15))
}

/** The bytes of a storage of `length` elements, in a whole number of 32-bit words, as `writeBuffer` asks. */
export function bytesOf(dtype: Dtype, length: number, data: TypedArray): Uint8Array<ArrayBuffer> {
  if (data.length !== length) throw new ShapeError(`write: data must hold ${length} elements, got ${data.length}`)
  const words = new ArrayBuffer(Math.ceil((length * bytesPerElement[dtype]) / 4) * 4)
  if (dtype === 'f16') new Uint16Array(words, 0, length).set(Array.from(data, halfFromFloat))
  else if (dtype === 'f32') new Float32Array(words).set(data)
  else if (dtype === 'i32') new Int32Array(words).set(data)
  else if (dtype === 'u32') new Uint32Array(words).set(data)
  else if (dtype === 'bool') new Uint32Array(words).set(Array.from(data, value => (value === 0 ? 0 : 1)))
  else throw new DtypeError(`write: dtype must be one of f32, f16, i32, u32, bool, got ${String(dtype)}`)
  return new Uint8Array(words)
}

export function arrayFrom(dtype: Dtype, length: number, bytes: ArrayBuffer): TypedArray {
  if (dtype === 'f32') return new Float32Array(bytes, 0, length)
  if (dtype === 'i32') return new Int32Array(bytes, 0, length)
  if (dtype === 'u32') return new Uint32Array(bytes, 0, length)
  if (dtype === 'f16') return Float32Array.from(new Uint16Array(bytes, 0, length), floatFromHalf)
  return Uint8Array.from(new Uint32Array(bytes, 0, length))
}
