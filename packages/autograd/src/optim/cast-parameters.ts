// Parameters in another element type for one forward pass: the working copy of mixed precision, beside which the optimizer keeps f32 masters.
// arXiv 1710.03740, section 3.1.
import type { Dtype } from '@abovo/tensor-webgpu'
import { leavesOf, withLeaves, type Gradients } from '../tensor-tree.js'
import { mapPacked, packed } from './packing.js'

/**
 * A tree of parameters in another element type: more graph, so a compiled step makes it afresh from what the parameters then are. Parameters that
 * an optimizer has packed are cast in one kernel, and the copies are windows on its result. Differentiate by the copies: their gradients have
 * their element type, and go to the optimizer through `LossScale.unscale`.
 *
 * @param dtype 'f16' needs a device where it works: DtypeError elsewhere
 * @example
 * const half = castParameters({ w, b }, 'f16')
 * const loss = crossEntropy(x.to('f16').matmul(half.w).add(half.b), targets)
 */
export function castParameters<P>(parameters: P, dtype: Dtype): Gradients<P> {
  const tensors = leavesOf('castParameters', parameters).map(leaf => leaf.tensor)
  return withLeaves(parameters, mapPacked(tensors, tensor => tensor.to(dtype), packed))
}
