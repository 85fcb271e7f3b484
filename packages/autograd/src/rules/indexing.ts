// Gradients of reading and writing by index: each is the other. Indices themselves have no gradient.
import { Tensor } from '@abovo/tensor-webgpu'
import { build } from '@abovo/tensor-webgpu/graph'
import type { InputGradients, RuleCall } from './rule.js'

/** Places that were read several times collect all their gradients. */
export function gatherRule(axis: number, { inputs: [x, index], gradient }: RuleCall): InputGradients {
  return [new Tensor(build.scatterAdd(x.shape, axis, index.node, gradient.node)), null]
}

export function scatterAddRule(axis: number, { inputs: [, index], gradient }: RuleCall): InputGradients {
  return [new Tensor(build.gather(gradient.node, axis, index.node)), null]
}
