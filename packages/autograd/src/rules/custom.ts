// Operations that users define bring their derivative along.
import { gradientOfCustom } from '@abovo/tensor-webgpu/graph'
import { GradientError } from '../gradient-error.js'
import type { InputGradients, RuleCall } from './rule.js'

export function customRule(definition: number, { inputs, output, gradient }: RuleCall): InputGradients {
  const rule = gradientOfCustom(definition)
  if (rule === undefined) throw new GradientError('grad: a custom operation must have `gradient` to be differentiated through, got one without; give it to defineOperation, or use stopGradient')
  return rule({ inputs, output, gradient })
}
