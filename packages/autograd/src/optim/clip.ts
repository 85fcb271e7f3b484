// Gradients kept within bounds, in the graph: nothing is read back, so clipping is a part of a compiled step.
import type { Tensor } from '@abovo/tensor-webgpu'
import { leavesOf, withLeaves, type Gradients } from '../tensor-tree.js'
import { canPack, pack, unpack } from './packing.js'

/** √Σg² over all gradients of a tree: a scalar tensor. */
export function globalNorm(gradients: unknown): Tensor {
  const tensors = leavesOf('globalNorm', gradients).map(({ tensor }) => tensor)
  if (canPack(tensors)) return pack(tensors).square().sum().sqrt()
  const squares = tensors.map(tensor => tensor.to('f32').square().sum())
  return squares.reduce((sum, square) => sum.add(square)).sqrt()
}

/**
 * Scales all gradients by one factor so that their global norm is at most `maxNorm`: min(1, maxNorm / (norm + 1e-6)), as PyTorch's
 * clip_grad_norm_ does. `norm` is the norm before.
 *
 * @example
 * const { gradients, norm } = clipGradNorm(grad(loss, parameters), 1)
 * optimizer.step(gradients)
 */
export function clipGradNorm<T>(gradients: T, maxNorm: number): { gradients: Gradients<T>; norm: Tensor } {
  const norm = globalNorm(gradients)
  const factor = norm.add(1e-6).reciprocal().mul(maxNorm).minimum(1)
  const tensors = leavesOf('clipGradNorm', gradients).map(({ tensor }) => tensor)
  const clipped = canPack(tensors) ? unpack(pack(tensors).mul(factor), tensors.map(tensor => tensor.shape)) : tensors.map(tensor => tensor.mul(factor))
  return { gradients: withLeaves(gradients, clipped), norm }
}

/** Every element clamped to [−bound, bound]. */
export function clipGradValue<T>(gradients: T, bound: number): Gradients<T> {
  return withLeaves(gradients, leavesOf('clipGradValue', gradients).map(({ tensor }) => tensor.clamp({ min: -bound, max: bound })))
}
