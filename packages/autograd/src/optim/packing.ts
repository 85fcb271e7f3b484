// Gradients laid end to end, as packed parameters are: the norm of all of them is one reduction, and an optimizer's step one kernel.
import { Tensor, type Shape } from '@abovo/tensor-webgpu'
import { concatPadded, pieceOf, type Node } from '@abovo/tensor-webgpu/graph'

interface Origin {
  readonly flat: Tensor
  readonly index: number
  readonly count: number
}

const origins = new WeakMap<Node, Origin>()

/** May these be laid end to end? They must be floats of one element type; one alone gains nothing. */
export const canPack = (tensors: readonly Tensor[]): boolean =>
  tensors.length > 1 && tensors.every(({ dtype, device }) => (dtype === 'f32' || dtype === 'f16') && dtype === tensors[0].dtype && device === tensors[0].device)

/** Matrices first, otherwise as given: what decays and what does not are then two ranges. */
export function packingOrder(shapes: readonly Shape[]): number[] {
  const all = shapes.map((_, i) => i)
  return [...all.filter(i => shapes[i].length >= 2), ...all.filter(i => shapes[i].length < 2)]
}

/** The flat tensor that parameters are windows on, when it is of exactly these. */
export const packed = (parameters: readonly Tensor[]): Tensor | null => Tensor.packOf(packingOrder(parameters.map(parameter => parameter.shape)).map(i => parameters[i]))

/** One flat tensor of all, in packing order; the very one that `unpack` cut up, if these are its pieces. */
export function pack(given: readonly Tensor[]): Tensor {
  const tensors = packingOrder(given.map(tensor => tensor.shape)).map(i => given[i])
  const first = origins.get(tensors[0].node)
  const whole = first !== undefined && first.count === tensors.length && tensors.every(({ node }, i) => origins.get(node)?.flat === first.flat && origins.get(node)?.index === i)
  return whole ? first.flat : new Tensor(concatPadded(tensors.map(tensor => tensor.node)))
}

/** The pieces of a tensor that `pack` made, or one like it, in the order they were given. */
export function unpack(flat: Tensor, shapes: readonly Shape[]): Tensor[] {
  const order = packingOrder(shapes)
  const packed = order.map(i => shapes[i])
  return shapes.map((_, i) => {
    const index = order.indexOf(i)
    const node = pieceOf(flat.node, packed, index)
    origins.set(node, { flat, index, count: shapes.length })
    return new Tensor(node)
  })
}
