// Gradients kept within bounds, in the graph: nothing is read back, so clipping is a part of a compiled step.
import type { Tensor } from '@abovo/tensor-webgpu'
import { leavesOf, withLeaves, type Gradients } from '../tensor-tree.js'
import { flats, mapPacked } from './packing.js'

/** √Σg² over all gradients of a tree: a scalar tensor. */
export const globalNorm = (gradients: unknown): Tensor => normOf(leavesOf('globalNorm', gradients).map(({ tensor }) => tensor)).reshape([])

/** The same as (1,): an axis kept, so that what follows is computed in the reduction's kernel. */
export function normOf(tensors: readonly Tensor[]): Tensor {
  const squares = flats(tensors).map(part => part.flatten().to('f32').square().sum({ keepdim: true }))
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
  const tensors = leavesOf('clipGradNorm', gradients).map(({ tensor }) => tensor)
  const norm = normOf(tensors)
  const factor = clipFactor(norm, maxNorm).reshape([])
  return { gradients: withLeaves(gradients, mapPacked(tensors, tensor => tensor.mul(factor))), norm: norm.reshape([]) }
}

/** min(1, maxNorm / (norm + 1e-6)). */
export const clipFactor = (norm: Tensor, maxNorm: number): Tensor => norm.add(1e-6).reciprocal().mul(maxNorm).minimum(1)

/** Every element clamped to [−bound, bound]. */
export function clipGradValue<T>(gradients: T, bound: number): Gradients<T> {
  return withLeaves(gradients, leavesOf('clipGradValue', gradients).map(({ tensor }) => tensor.clamp({ min: -bound, max: bound })))
}
