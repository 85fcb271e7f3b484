// The element types of safetensors files: their sizes, and their values as host arrays. F16 and BF16 are widened to float32 when read.
import type { TypedArray } from '@abovo/tensor-webgpu'
import { CheckpointError } from '../errors.js'

/** Bits an element. Order: as the format's own implementation sorts tensors, widest first. */
export const bitsPerElement = {
  U64: 64, I64: 64, F64: 64, C64: 64,
  F32: 32, U32: 32, I32: 32,
  BF16: 16, F16: 16, U16: 16, I16: 16,
  F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F8_E5M2FNUZ: 8, F8_E4M3FNUZ: 8, I8: 8, U8: 8, BOOL: 8,
  F6_E3M2: 6, F6_E2M3: 6, F4: 4,
} as const

export type SafetensorsDtype = keyof typeof bitsPerElement

export const isSafetensorsDtype = (value: unknown): value is SafetensorsDtype => typeof value === 'string' && Object.hasOwn(bitsPerElement, value)

function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
}

/** A copy, so that the address is a multiple of the element size and the file's memory can go. */
const alignedCopy = (bytes: Uint8Array): ArrayBuffer => {
  const copy = new ArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return copy
}

function bfloat16(bytes: Uint8Array): Float32Array {
  const halves = new Uint16Array(alignedCopy(bytes))
  const words = new Uint32Array(halves.length)
  for (let i = 0; i < halves.length; i++) words[i] = halves[i] << 16
  return new Float32Array(words.buffer)
}

function int64(name: string, bytes: Uint8Array): Int32Array {
  return Int32Array.from(new BigInt64Array(alignedCopy(bytes)), value => {
    if (BigInt.asIntN(32, value) !== value) throw new CheckpointError('value-range', `safetensors: 64-bit integers must fit into 32 bits here, got ${value} in '${name}'`, name)
    return Number(value)
  })
}

/**
 * The values of little-endian bytes. 64-bit integers become 32-bit ones.
 *
 * @throws CheckpointError for 64-bit integers that do not fit, and for 8-bit floats and smaller.
 */
export function decodeElements(name: string, dtype: SafetensorsDtype, bytes: Uint8Array): TypedArray {
  switch (dtype) {
    case 'F64':
      return new Float64Array(alignedCopy(bytes))
    case 'F32':
      return new Float32Array(alignedCopy(bytes))
    case 'BF16':
      return bfloat16(bytes)
    case 'F16':
      return Float32Array.from(new Uint16Array(alignedCopy(bytes)), float16)
    case 'I64':
    case 'U64':
      return int64(name, bytes)
    case 'I32':
      return new Int32Array(alignedCopy(bytes))
    case 'U32':
      return new Uint32Array(alignedCopy(bytes))
    case 'I16':
      return Int32Array.from(new Int16Array(alignedCopy(bytes)))
    case 'U16':
      return Int32Array.from(new Uint16Array(alignedCopy(bytes)))
    case 'I8':
      return Int32Array.from(new Int8Array(alignedCopy(bytes)))
    case 'U8':
    case 'BOOL':
      return bytes.slice()
    default:
      throw new CheckpointError('dtype', `safetensors: elements of type ${dtype} cannot be read into arrays, got '${name}'; convert the file to F32`, name)
  }
}

/** What a host array is stored as. */
export function dtypeOfArray(data: TypedArray): SafetensorsDtype {
  if (data instanceof Float64Array) return 'F64'
  if (data instanceof Float32Array) return 'F32'
  if (data instanceof Int32Array) return 'I32'
  return data instanceof Uint32Array ? 'U32' : 'U8'
}
