// The gradient of a drawn class's log-probability with respect to the logits (a policy gradient needs it). The choice itself has none, nor have options.
import { Tensor, where } from '@abovo/tensor-webgpu'
import { build } from '@abovo/tensor-webgpu/graph'
import type { InputGradients, MultiRuleCall } from './rule.js'

export function categoricalRule({ node, inputs: [logits, , temperature], gradients: [, gradient], needs }: MultiRuleCall): InputGradients {
  if (gradient === null || gradient === undefined || !needs[0]) return []
  const { shape, device } = node.inputs[0]
  const index = new Tensor(build.part(node, 0, [{ shape: node.shape, dtype: 'i32' }]))
  const scale = where(temperature.eq(0), 1, temperature.reciprocal()).unsqueeze(-1)   // (B, 1)
  const chosen = new Tensor(build.indexAlong(1, shape, device)).eq(index.unsqueeze(-1)).to(logits.dtype)
  return [chosen.sub(logits.mul(scale).softmax(-1)).mul(scale).mul(gradient.unsqueeze(-1))]
}
