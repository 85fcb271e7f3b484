// The element types of tensors, and how two of them combine. Not how a device stores them, except for the host's typed arrays.

/** Element type of a tensor. On the `reference` device `f32` is held as float64; `f16` needs WebGPU with `shader-f16`. */
export type Dtype = 'f32' | 'f16' | 'i32' | 'u32' | 'bool'

/** What `data()` gives and what tensors are made from. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array

/** bool takes four bytes on every device: WGSL has no smaller storage type. */
export const bytesPerElement: Record<Dtype, number> = { f32: 4, f16: 2, i32: 4, u32: 4, bool: 4 }

export const isFloat = (dtype: Dtype): boolean => dtype === 'f32' || dtype === 'f16'

const rank: Record<Dtype, number> = { bool: 0, u32: 1, i32: 2, f16: 3, f32: 4 }

/** The wider of two element types: bool < u32 < i32 < f16 < f32, PyTorch's order restricted to these. */
export const promote = (a: Dtype, b: Dtype): Dtype => (rank[a] >= rank[b] ? a : b)

const bits = new DataView(new ArrayBuffer(8))

/** The nearest half float, ties to even; beyond 65504 infinity. */
export function roundToHalf(value: number): number {
  if (!Number.isFinite(value) || value === 0) return value
  bits.setFloat64(0, value)
  const exponent = ((bits.getUint32(0) >>> 20) & 0x7ff) - 1023
  const step = 2 ** (Math.max(exponent, -14) - 10)
  const scaled = value / step
  const floor = Math.floor(scaled)
  const rest = scaled - floor
  const rounded = (rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor) * step
  if (Math.abs(rounded) > 65504) return Math.sign(value) * Infinity
  return rounded === 0 && value < 0 ? -0 : rounded
}

/** A float as an integer: truncated towards zero, clamped to what the type holds; NaN is 0. */
export function truncateTo(dtype: 'i32' | 'u32', value: number): number {
  if (Number.isNaN(value)) return 0
  const [low, high] = dtype === 'i32' ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1]
  return Math.min(Math.max(Math.trunc(value), low), high) + 0
}

/** The element type that an untyped host array stands for. */
export function dtypeOf(data: TypedArray): Dtype {
  if (data instanceof Int32Array) return 'i32'
  if (data instanceof Uint32Array) return 'u32'
  if (data instanceof Uint8Array) return 'bool'
  return 'f32'
}
