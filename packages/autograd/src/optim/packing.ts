// Gradients laid end to end, as packed parameters are: the norm of all of them is one reduction, and an optimizer's step one kernel.
import { Tensor, type Shape } from '@abovo/tensor-webgpu'
import { concatPadded, pieceOf, type Node } from '@abovo/tensor-webgpu/graph'

interface Origin {
  readonly flat: Tensor
  readonly index: number
  readonly count: number
}

const origins = new WeakMap<Node, Origin>()

/** May these be laid end to end? One alone gains nothing. */
export const canPack = (tensors: readonly Tensor[]): boolean => tensors.length > 1 && tensors.every(({ dtype, device }) => dtype === 'f32' && device === tensors[0].device)

/** One flat tensor; the very one that `unpack` cut up, if these are its pieces in order. */
export function pack(tensors: readonly Tensor[]): Tensor {
  const first = origins.get(tensors[0].node)
  const whole = first !== undefined && first.count === tensors.length && tensors.every(({ node }, i) => origins.get(node)?.flat === first.flat && origins.get(node)?.index === i)
  return whole ? first.flat : new Tensor(concatPadded(tensors.map(tensor => tensor.node)))
}

/** The pieces of a flat tensor. */
export function unpack(flat: Tensor, shapes: readonly Shape[]): Tensor[] {
  return shapes.map((_, index) => {
    const node = pieceOf(flat.node, shapes, index)
    origins.set(node, { flat, index, count: shapes.length })
    return new Tensor(node)
  })
}
