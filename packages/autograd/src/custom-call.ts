// Where the graph's own derivative is replaced: which nodes are results of a function with a gradient of its own. Filled by customGradient,
// read by backpropagate; the tensor package knows nothing of it.
import type { Tensor } from '@abovo/tensor-webgpu'
import type { Node } from '@abovo/tensor-webgpu/graph'
import type { InputGradients } from './rules/rule.js'

/** One call of such a function. */
export interface CustomCall {
  /** A node of its own that stands for the call. */
  readonly anchor: Node
  readonly inputs: readonly Node[]
  /** From the gradients of the results to those of the inputs. */
  readonly backward: (gradients: readonly (Tensor | null)[]) => InputGradients
}

/** Which result of which call a node is. */
export interface CustomOutput {
  readonly call: CustomCall
  readonly index: number
}

const calls = new WeakMap<Node, CustomCall>()
const outputs = new WeakMap<Node, CustomOutput>()

export function registerCustomCall(call: CustomCall, results: readonly Node[]): void {
  calls.set(call.anchor, call)
  results.forEach((node, index) => registerCustomOutput(node, { call, index }))
}

export function registerCustomOutput(node: Node, output: CustomOutput): void {
  outputs.set(node, output)
}

/** The call that a node stands for. */
export const customCallOf = (node: Node): CustomCall | undefined => calls.get(node)
/** The call that a node is a result of. */
export const customOutputOf = (node: Node): CustomOutput | undefined => outputs.get(node)
