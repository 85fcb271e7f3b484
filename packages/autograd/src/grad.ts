// The gradient of a loss, as more graph.
import { Tensor, zerosLike } from '@abovo/tensor-webgpu'
import { build } from '@abovo/tensor-webgpu/graph'
import { backpropagate } from './backpropagate.js'
import { GradientError } from './gradient-error.js'
import { leavesOf, withLeaves, type Gradients, type Leaf } from './tensor-tree.js'

export interface GradOptions {
  /** Give zeros for tensors that the loss does not depend on, instead of an error. */
  allowUnused?: boolean
}

/**
 * d loss / d wrt: nothing is computed, the result is more graph, so it can be differentiated again, compiled, or planned with the forward pass.
 *
 * @param loss a float tensor with one element
 * @param wrt a float tensor, or an array or object tree of them; leaves or intermediate results alike
 * @returns the same tree, each gradient of the shape and dtype of its tensor
 * @throws GradientError when the loss has more than one element, does not depend on a tensor of `wrt`, or a tensor is not float
 * @example
 * const x = tensor([1, 2, 3])
 * const dx = grad(x.mul(x).sum(), x)
 * await dx.data()   // [2, 4, 6]
 */
export function grad<T>(loss: Tensor, wrt: T, options: GradOptions = {}): Gradients<T> {
  if (loss.size !== 1) throw new GradientError(`grad: the loss must have one element, got shape (${loss.shape.join(', ')}); reduce it with sum() or mean(), or give a direction with vjp`)
  return differentiate('grad', [loss], [literalOne(loss)], wrt, options)
}

/** Gradients of Σ outputs·seeds: what grad and vjp share. */
export function differentiate<T>(where: string, outputs: readonly Tensor[], seeds: readonly Tensor[], wrt: T, { allowUnused = false }: GradOptions): Gradients<T> {
  const leaves = leavesOf(where, wrt)
  for (const output of outputs) requireFloat(where, 'the differentiated tensor', output)
  for (const { path, tensor } of leaves) requireFloat(where, `the tensor${named(path)} to differentiate by`, tensor)
  const { gradients, reached } = backpropagate(outputs.map(output => output.node), seeds, leaves.map(leaf => leaf.tensor.node))
  leaves.forEach((leaf, i) => {
    if (!reached[i] && !allowUnused) throw unused(where, leaf)
  })
  return withLeaves(wrt, leaves.map(({ tensor }, i) => gradients[i] ?? zerosLike(tensor)))
}

const named = (path: string): string => (path === '' ? '' : ` '${path}'`)

function requireFloat(where: string, what: string, { dtype }: Tensor): void {
  if (dtype !== 'f32' && dtype !== 'f16') throw new GradientError(`${where}: ${what} must be float, got ${dtype}; only f32 and f16 have gradients`)
}

function unused(where: string, { path, tensor }: Leaf): GradientError {
  const reason = tensor.node.cell === null ? '' : ' (a tensor updated since the loss was built counts as another)'
  return new GradientError(`${where}: the loss must depend on every tensor, got none on the one${named(path)} of shape (${tensor.shape.join(', ')})${reason}; leave it out, or pass { allowUnused: true } for zeros`)
}

/** A seed that folds away: gradients do not begin with a multiplication by one. */
const literalOne = (loss: Tensor): Tensor => new Tensor(build.constant(1, loss.shape, loss.dtype, loss.device))
