// A tensor's values on the host: what checkpoints hold and what parameters are loaded from. Not a Tensor: it belongs to no device.
import type { Shape, TypedArray } from '@abovo/tensor-webgpu'

export interface HostTensor {
  readonly shape: Shape
  /** Row-major. Float32Array, or Float64Array from the reference device. */
  readonly data: TypedArray
}

/** Parameters by name, in the order of the model's fields. */
export type StateDict = ReadonlyMap<string, HostTensor>
