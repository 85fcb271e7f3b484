// Gradients of reading and writing by index: each is the other. Indices themselves have no gradient.
import { Tensor, where, zerosLike } from '@abovo/tensor-webgpu'
import { build } from '@abovo/tensor-webgpu/graph'
import type { InputGradients, RuleCall } from './rule.js'

/** Places that were read several times collect all their gradients. */
export function gatherRule(axis: number, { inputs: [x, index], gradient }: RuleCall): InputGradients {
  // one place a row, as the target of a cross-entropy: a comparison, which fuses with what follows, where scattering would be a kernel of its own
  if (index.shape[axis] === 1) {
    const place = index.clamp({ min: 0, max: x.shape[axis] - 1 }).to('i32')
    return [where(new Tensor(build.indexAlong(axis, x.shape, x.device)).eq(place), gradient, 0), null]
  }
  return [new Tensor(build.scatterAdd(x.shape, axis, index.node, gradient.node)), null]
}

export function scatterAddRule(axis: number, { inputs: [values, index], gradient }: RuleCall): InputGradients {
  return [new Tensor(build.gather(gradient.node, axis, index.node)).to(values.dtype), null]
}

/** What was written over has no gradient where it was; the values have that of the place they went to. */
export function sliceScatterRule(axis: number, { inputs: [x, values, start], gradient, needs }: RuleCall): InputGradients {
  const written = new Tensor(build.indexAlong(axis, values.shape, values.device)).add(start.clamp({ min: 0, max: x.shape[axis] - values.shape[axis] }))
  return [needs[0] ? gradient.sliceScatter(axis, start, zerosLike(values)) : null, needs[1] ? gradient.gather(axis, written) : null, null]
}
