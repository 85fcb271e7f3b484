// A function whose derivative is given instead of derived: straight-through estimators, stabler formulas, user's own kernels.
import { Tensor, zerosLike } from '@abovo/tensor-webgpu'
import { build } from '@abovo/tensor-webgpu/graph'
import { registerCustomCall } from './custom-call.js'
import { GradientError } from './gradient-error.js'
import type { InputGradients } from './rules/rule.js'
import { leavesOf, withLeaves, type Gradients } from './tensor-tree.js'

export interface CustomBackward<A extends readonly Tensor[], R> {
  readonly inputs: A
  readonly output: Gradients<R>
  /** The gradient of the output: the same tree, zeros where none arrives. */
  readonly gradient: Gradients<R>
}

/**
 * The function `forward` with the gradient `backward`. Second derivatives come from differentiating `backward`, so it must be made of
 * differentiable operations if they are wanted. What `forward` captures beside its arguments gets no gradient.
 *
 * @param forward gives a tensor or a tree of tensors
 * @param backward gives one gradient per argument, of its shape; null for zero
 * @example
 * const roundStraightThrough = customGradient((x: Tensor) => x.round(), ({ gradient }) => [gradient])
 * await grad(roundStraightThrough(tensor([1.4])).sum(), x).data()   // [1], where round alone gives 0
 */
export function customGradient<A extends readonly Tensor[], R>(forward: (...inputs: A) => R, backward: (call: CustomBackward<A, R>) => InputGradients): (...inputs: A) => Gradients<R> {
  return (...inputs) => {
    const result = forward(...inputs)
    // Nodes of their own: a result may be an argument itself, or be used elsewhere with its ordinary derivative.
    const results = leavesOf('customGradient', result).map(({ tensor }) => new Tensor(build.stopGradient(tensor.node)))
    if (results.length === 0) throw new GradientError('customGradient: forward must give at least one tensor, got none')
    const output = withLeaves(result, results)
    registerCustomCall(
      {
        anchor: build.stopGradient(results[0].node),
        inputs: inputs.map(input => input.node),
        backward: gradients => {
          const filled = results.map((tensor, i) => gradients[i] ?? zerosLike(tensor))
          return checked(inputs, backward({ inputs, output, gradient: withLeaves(result, filled) }))
        },
      },
      results.map(tensor => tensor.node),
    )
    return output
  }
}

function checked(inputs: readonly Tensor[], gradients: InputGradients): InputGradients {
  if (gradients.length !== inputs.length) throw new GradientError(`customGradient: backward must give one gradient per argument, ${inputs.length}, got ${gradients.length}; use null for zero`)
  gradients.forEach((gradient, i) => {
    if (gradient !== null && (gradient.shape.join() !== inputs[i].shape.join() || gradient.dtype !== inputs[i].dtype))
      throw new GradientError(`customGradient: the gradient of argument ${i} must be ${inputs[i].dtype} of shape (${inputs[i].shape.join(', ')}), got ${gradient.dtype} of shape (${gradient.shape.join(', ')})`)
  })
  return gradients
}

/** The tensor itself, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => x.stopGradient()
