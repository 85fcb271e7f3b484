// What a layer is given and what it gives.
import type { Tensor } from '@abovo/tensor-webgpu'

/** A case's tensors on a device: each is made once, so that gradients are by the tensor that was used. */
export interface Operands {
  readonly info: Readonly<Record<string, unknown>>
  has(name: string): boolean
  get(name: string): Tensor
}

/** Outputs by the names they have in the file. */
export type Outputs = Readonly<Record<string, Tensor>> & { readonly y: Tensor }
