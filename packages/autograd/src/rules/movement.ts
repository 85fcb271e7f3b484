// Gradients of the operations that only move elements: each is the opposite movement, and none computes anything but expand's sum.
import { Tensor } from '@abovo/tensor-webgpu'
import { build, type Node } from '@abovo/tensor-webgpu/graph'
import type { InputGradients, RuleCall } from './rule.js'

type Shape = Node['shape']
const zeros = (shape: Shape): number[] => shape.map(() => 0)
const ones = (shape: Shape): number[] => shape.map(() => 1)

export const reshapeRule = ({ node, gradient }: RuleCall): InputGradients => [new Tensor(build.reshape(gradient.node, node.inputs[0].shape))]

export function permuteRule(order: readonly number[], { gradient }: RuleCall): InputGradients {
  return [new Tensor(build.permute(gradient.node, order.map((_, axis) => order.indexOf(axis))))]
}

/** An element that was read many times collects all their gradients: the one reduction that undoes broadcasting. */
export function expandRule({ node, gradient }: RuleCall): InputGradients {
  const { shape } = node.inputs[0]
  const grown = shape.flatMap((n, axis) => (n !== node.shape[axis] ? [axis] : []))
  return [new Tensor(build.reduce('sum', gradient.node, grown))]
}

export function padRule(before: readonly number[], { node, gradient }: RuleCall): InputGradients {
  const { shape } = node.inputs[0]
  return [new Tensor(build.slice(gradient.node, before, shape, ones(shape)))]
}

export function concatRule(axis: number, { node, gradient, needs }: RuleCall): InputGradients {
  let end = 0
  return node.inputs.map(({ shape }, i) => {
    const start = end
    end += shape[axis]
    return needs[i] ? new Tensor(build.slice(gradient.node, zeros(shape).map((_, d) => (d === axis ? start : 0)), shape, ones(shape))) : null
  })
}

/** Zeros everywhere but at the places that were read. */
export function sliceRule(starts: readonly number[], steps: readonly number[], { node, gradient }: RuleCall): InputGradients {
  const { shape } = node.inputs[0]
  if (node.shape.includes(0)) return [new Tensor(build.constant(0, shape, node.dtype, node.device))]
  let spread = gradient.node
  const lowest = starts.map((start, axis) => (steps[axis] < 0 ? start + (node.shape[axis] - 1) * steps[axis] : start))
  if (steps.some(step => step < 0)) spread = flip(spread, steps)
  steps.forEach((step, axis) => {
    if (Math.abs(step) > 1) spread = interleaveZeros(spread, axis, Math.abs(step))
  })
  return [new Tensor(build.pad(spread, lowest, shape.map((n, axis) => n - lowest[axis] - spread.shape[axis])))]
}

function flip(node: Node, steps: readonly number[]): Node {
  return build.slice(node, node.shape.map((n, axis) => (steps[axis] < 0 ? n - 1 : 0)), node.shape, steps.map(step => (step < 0 ? -1 : 1)))
}

/** a b c → a 0 0 b 0 0 c along an axis, for step 3. */
function interleaveZeros(node: Node, axis: number, step: number): Node {
  const { shape } = node
  const n = shape[axis]
  const column = build.reshape(node, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)])
  const padded = build.pad(column, zeros(column.shape), column.shape.map((_, d) => (d === axis + 1 ? step - 1 : 0)))
  const joined = build.reshape(padded, shape.map((size, d) => (d === axis ? n * step : size)))
  const length = (n - 1) * step + 1
  return build.slice(joined, zeros(shape), joined.shape.map((size, d) => (d === axis ? length : size)), ones(shape))
}
