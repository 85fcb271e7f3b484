// Which rule belongs to which operation. A new primitive operation of the graph must be named here before this compiles.
import { Tensor } from '@abovo/tensor-webgpu'
import type { Node } from '@abovo/tensor-webgpu/graph'
import { attentionBackwardRule, attentionRule } from './attention.js'
import { categoricalRule } from './categorical.js'
import { matmulRule } from './contraction.js'
import { customRule } from './custom.js'
import { elementwiseRule } from './elementwise.js'
import { gatherRule, scatterAddRule, sliceScatterRule } from './indexing.js'
import { concatRule, expandRule, padRule, permuteRule, reshapeRule, sliceRule } from './movement.js'
import { reduceRule } from './reduce.js'
import type { InputGradients, Pullback } from './rule.js'

/** The gradients that leave a node's inputs when `gradients` arrive at its outputs: one rule applied. */
export function differentiateNode(node: Node, gradients: readonly (Tensor | null)[], needs: readonly boolean[], pullback: Pullback): InputGradients {
  const { operation } = node
  const inputs = node.inputs.map(input => new Tensor(input))
  const call = { node, inputs, needs }
  if (operation.kind === 'attention') return attentionRule(operation, { ...call, gradients })
  if (operation.kind === 'attentionBackward') return attentionBackwardRule(operation, { ...call, gradients }, pullback)
  if (operation.kind === 'categorical') return categoricalRule({ ...call, gradients })
  const [gradient] = gradients
  if (gradient === null || gradient === undefined) return []
  const single = { ...call, gradient, output: new Tensor(node) }
  switch (operation.kind) {
    case 'elementwise':
      return elementwiseRule(operation.fn, single)
    case 'cast':
      return [gradient.to(inputs[0].dtype)]
    case 'reshape':
      return reshapeRule(single)
    case 'permute':
      return permuteRule(operation.order, single)
    case 'expand':
      return expandRule(single)
    case 'slice':
      return sliceRule(operation.starts, operation.steps, single)
    case 'pad':
      return padRule(operation.before, single)
    case 'concat':
      return concatRule(operation.axis, single)
    case 'reduce':
      return reduceRule(operation, single)
    case 'matmul':
      return matmulRule(single)
    case 'gather':
      return gatherRule(operation.axis, single)
    case 'scatterAdd':
      return scatterAddRule(operation.axis, single)
    case 'sliceScatter':
      return sliceScatterRule(operation.axis, single)
    case 'custom':
      return customRule(operation.definition, single)
    case 'source':
    case 'constant':
    case 'index':
    case 'bitcast':
    case 'stopGradient':
    case 'part':
      return []
    default:
      return operation satisfies never
  }
}
