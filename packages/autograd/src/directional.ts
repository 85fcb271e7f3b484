// Derivatives along directions: backwards (vjp), forwards (jvp), and of second order (Hessian times vector). Graphs, like grad.
import { Tensor, zerosLike } from '@abovo/tensor-webgpu'
import { build } from '@abovo/tensor-webgpu/graph'
import { differentiate, grad, type GradOptions } from './grad.js'
import { GradientError } from './gradient-error.js'
import { leavesOf, type Gradients } from './tensor-tree.js'

/**
 * A loss function made to give its gradient too.
 * @returns a function of the same arguments that gives [loss, gradients with respect to the first argument]
 * @example
 * const lossAndGradients = valueAndGrad((w: Tensor, x: Tensor) => w.mul(x).square().sum())
 * const [loss, dw] = lossAndGradients(w, x)
 */
export function valueAndGrad<P, A extends readonly unknown[]>(fn: (parameters: P, ...args: A) => Tensor, options: GradOptions = {}): (parameters: P, ...args: A) => [loss: Tensor, gradients: Gradients<P>] {
  return (parameters, ...args) => {
    const loss = fn(parameters, ...args)
    return [loss, grad(loss, parameters, options)]
  }
}

/**
 * Vector-Jacobian product: the gradient of Σ output·direction with respect to `wrt`, for outputs of any shape.
 *
 * @param output a float tensor, or a tree of them
 * @param direction the same tree and shapes
 * @throws GradientError as grad does, and when a direction has another shape than its output
 * @example
 * const x = tensor([1, 2])
 * await vjp(x.square(), x, tensor([1, 10])).data()   // [2, 40]
 */
export function vjp<O, T>(output: O, wrt: T, direction: Gradients<O>, options: GradOptions = {}): Gradients<T> {
  const outputs = leavesOf('vjp', output)
  const seeds = matching('vjp', outputs.map(leaf => leaf.tensor), direction)
  return differentiate('vjp', outputs.map(leaf => leaf.tensor), seeds, wrt, options)
}

/**
 * Jacobian-vector product: how `output` changes when `wrt` moves along `direction`.
 *
 * @param direction the tree and shapes of `wrt`
 * @returns a tensor of the output's shape
 * @example
 * const x = tensor([1, 2])
 * await jvp(x.square(), x, tensor([1, 10])).data()   // [2, 40]
 */
export function jvp<T>(output: Tensor, wrt: T, direction: Gradients<T>, options: GradOptions = {}): Tensor {
  // vjp is linear in its direction, so its own vjp is the transpose of the transpose. Of the first vjp nothing but the graph is used, so
  // nothing of it is computed. The direction's value does not matter; a bare constant would be folded away.
  const dual = new Tensor(build.stopGradient(zerosLike(output).node))
  const backwards = leavesOf('jvp', differentiate('jvp', [output], [dual], wrt, options)).map(leaf => leaf.tensor)
  return differentiate('jvp', backwards, matching('jvp', backwards, direction), dual, { allowUnused: true })
}

/**
 * H·v for the Hessian H of a scalar loss, without forming H: the gradient of (gradient · v).
 * @example
 * const x = tensor([1, 2])
 * await hessianVectorProduct(x.pow(3).sum(), x, tensor([1, 1])).data()   // [6, 12]
 */
export function hessianVectorProduct<T>(loss: Tensor, wrt: T, direction: Gradients<T>, options: GradOptions = {}): Gradients<T> {
  const gradients = leavesOf('hessianVectorProduct', grad(loss, wrt, options)).map(leaf => leaf.tensor)
  // A loss that is linear in a tensor has zeros there.
  return differentiate('hessianVectorProduct', gradients, matching('hessianVectorProduct', gradients, direction), wrt, { allowUnused: true })
}

function matching(where: string, tensors: readonly Tensor[], direction: unknown): Tensor[] {
  const given = leavesOf(where, direction).map(leaf => leaf.tensor)
  if (given.length !== tensors.length) throw new GradientError(`${where}: the direction must have ${tensors.length} tensors, got ${given.length}`)
  tensors.forEach((tensor, i) => {
    if (tensor.shape.join() !== given[i].shape.join()) throw new GradientError(`${where}: the direction must have shape (${tensor.shape.join(', ')}), got (${given[i].shape.join(', ')})`)
  })
  return given
}
