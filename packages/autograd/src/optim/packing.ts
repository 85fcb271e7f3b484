// Gradients laid end to end, as packed parameters are: the norm of all of them is one reduction, and an optimizer's step one kernel.
import { Tensor, type Shape } from '@abovo/tensor-webgpu'
import { concatPadded, paddedSize, pieceOf, type Node } from '@abovo/tensor-webgpu/graph'

interface Origin {
  readonly flat: Tensor
  readonly index: number
  readonly count: number
}

const origins = new WeakMap<Node, Origin>()

/** May these be laid end to end? They must be floats of one element type; one alone gains nothing. */
const canPack = (tensors: readonly Tensor[]): boolean =>
  tensors.length > 1 && tensors.every(({ dtype, device }) => (dtype === 'f32' || dtype === 'f16') && dtype === tensors[0].dtype && device === tensors[0].device)

/** Matrices first, otherwise as given: what decays and what does not are then two ranges. */
export function packingOrder(shapes: readonly Shape[]): number[] {
  const all = shapes.map((_, i) => i)
  return [...all.filter(i => shapes[i].length >= 2), ...all.filter(i => shapes[i].length < 2)]
}

/**
 * Which tensors lie in one flat tensor: all, or where the largest that a device can hold is less, as many as fit, in packing order; alone where they
 * cannot be packed. Counted as f32, so that a tree of halves is grouped as the parameters are. Each group in the order given.
 */
export function packingGroups(tensors: readonly Tensor[]): number[][] {
  if (!canPack(tensors)) return tensors.map((_, i) => [i])
  const most = (tensors[0].device.maxTensorBytes ?? Infinity) / 4
  const groups: number[][] = []
  let size = 0
  for (const i of packingOrder(tensors.map(tensor => tensor.shape))) {
    const own = paddedSize(tensors[i].size)
    const group = groups.at(-1)
    if (group === undefined || size + own > most) groups.push([i])
    else group.push(i)
    size = group === undefined || size + own > most ? own : size + own
  }
  return groups.map(group => group.sort((a, b) => a - b))
}

/** The tensors, packed as far as that is possible. */
export const flats = (tensors: readonly Tensor[]): Tensor[] => packingGroups(tensors).map(group => (group.length > 1 ? pack(group.map(i => tensors[i])) : tensors[group[0]]))

/** What an elementwise function makes of each tensor, computed on flat tensors where that is possible: those that `packer` gives. */
export function mapPacked(tensors: readonly Tensor[], fn: (flat: Tensor) => Tensor, packer: (group: readonly Tensor[]) => Tensor | null = pack): Tensor[] {
  const results = [...tensors]
  for (const group of packingGroups(tensors)) {
    const own = group.map(i => tensors[i])
    const flat = own.length > 1 ? packer(own) : null
    const made = flat === null ? own.map(fn) : unpack(fn(flat), own.map(tensor => tensor.shape))
    group.forEach((place, i) => (results[place] = made[i]))
  }
  return results
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
