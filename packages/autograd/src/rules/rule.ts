// What a rule of differentiation is: given an operation's operands, its result and the gradient that arrives there, the gradients that leave.
import type { Tensor } from '@abovo/tensor-webgpu'
import type { Node } from '@abovo/tensor-webgpu/graph'

export interface RuleCall {
  readonly node: Node
  /** The node's operands. */
  readonly inputs: readonly Tensor[]
  /** The node's result. */
  readonly output: Tensor
  /** d loss / d output. */
  readonly gradient: Tensor
  /** Whether the gradient of input i is wanted. */
  readonly needs: readonly boolean[]
}

/** A call for an operation with several results, of which some may have no gradient. */
export interface MultiRuleCall extends Omit<RuleCall, 'output' | 'gradient'> {
  readonly gradients: readonly (Tensor | null)[]
}

/** One gradient per input, of the input's shape and dtype; null for zero. */
export type InputGradients = readonly (Tensor | null)[]

/** Gradients of Σ outputs·gradients with respect to inputs, each held independent of the others. */
export type Pullback = (outputs: readonly Tensor[], gradients: readonly (Tensor | null)[], inputs: readonly Tensor[]) => InputGradients
