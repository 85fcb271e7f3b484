// Gradients of the reductions sum, prod, max and min. Reduced axes have kept size 1, so results broadcast against operands.
import { concat, onesLike, where, Tensor } from '@abovo/tensor-webgpu'
import { build, type Operation } from '@abovo/tensor-webgpu/graph'
import type { InputGradients, RuleCall } from './rule.js'

type Reduce = Extract<Operation, { kind: 'reduce' }>

export function reduceRule({ fn, axes }: Reduce, { inputs: [x], output, gradient }: RuleCall): InputGradients {
  // a sum of f32 may be a half
  if (fn === 'sum') return [new Tensor(build.expand(gradient.node, x.shape)).to(x.dtype)]
  if (fn === 'prod') return [gradient.mul(productOfOthers(x, axes))]
  // Equal extremes share the gradient evenly, as PyTorch's amax does.
  const attained = x.eq(output)
  const ties = attained.to('f32').sum({ axis: axes, keepdim: true })
  return [where(attained, gradient.div(ties), 0).to(x.dtype)]
}

/** Π of all other elements along the axes: what is before times what is after, so that zeros need no division. */
function productOfOthers(x: Tensor, axes: readonly number[]): Tensor {
  const kept = x.shape.map((_, axis) => axis).filter(axis => !axes.includes(axis))
  const order = [...kept, ...axes]
  const rows = x.permute(order).flatten(kept.length)                      // (…kept, n)
  const flipped = runningProductBefore(rows.flip(-1)).flip(-1)
  const others = runningProductBefore(rows).mul(flipped)
  return others.reshape(order.map(axis => x.shape[axis])).permute(order.map((_, axis) => order.indexOf(axis)))
}

/** Element i becomes the product of elements 0 … i−1 along the last axis, in log₂ n shifted multiplications. */
function runningProductBefore(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1]
  const shifted = (value: Tensor, places: number): Tensor =>
    concat([onesLike(value.narrow(-1, 0, places)), value.narrow(-1, 0, n - places)], -1)
  if (n === 0) return x
  let product = shifted(x, 1)
  for (let places = 1; places < n; places *= 2) product = product.mul(shifted(product, places))
  return product
}
