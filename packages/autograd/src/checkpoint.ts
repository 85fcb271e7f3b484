// Memory for time: a function whose intermediate results are computed a second time in the backward pass instead of being kept. arXiv 1604.06174.
// This file marks what is to be recomputed; recompute.ts does it when a gradient arrives.
import type { Tensor } from '@abovo/tensor-webgpu'
import { build, type Node } from '@abovo/tensor-webgpu/graph'
import { GradientError } from './gradient-error.js'
import { leavesOf } from './tensor-tree.js'

/** What one call of a checkpointed function added to the graph. */
export interface Region {
  /** The nodes that are kept: the call's arguments. */
  readonly inputs: ReadonlySet<Node>
  /** The nodes that are computed again, each after its inputs. */
  readonly interior: readonly Node[]
}

const regions = new WeakMap<Node, Region>()

export const regionOf = (node: Node): Region | undefined => regions.get(node)

/**
 * The function itself, but of its intermediate results only the arguments are kept for the backward pass. Values and gradients are the same,
 * bit for bit. What it captures (weights) gets its gradient as usual. Inside another checkpointed function it is a part of that one.
 *
 * @param fn gives a tensor or a tree of tensors, and has at least one tensor argument
 * @example
 * const block = checkpoint((x: Tensor) => x.matmul(w1).gelu().matmul(w2))
 * const y = block(block(x))
 */
export function checkpoint<A extends readonly Tensor[], R>(fn: (...inputs: A) => R): (...inputs: A) => R {
  return (...inputs) => {
    if (inputs.length === 0) throw new GradientError('checkpoint: the function must have at least one tensor argument, got none; what it captures is not recomputed from')
    const kept = new Set(inputs.map(input => input.node))
    // Numbers of nodes grow: what the call adds is what comes after this one.
    const before = build.stopGradient(inputs[0].node)
    const result = fn(...inputs)
    const outputs = leavesOf('checkpoint', result).map(leaf => leaf.tensor.node)
    const region = { inputs: kept, interior: interiorOf(outputs, node => node.id > before.id && !kept.has(node)) }
    for (const node of region.interior) regions.set(node, region)
    return result
  }
}

function interiorOf(outputs: readonly Node[], isInside: (node: Node) => boolean): Node[] {
  const order: Node[] = []
  const seen = new Set<Node>()
  const stack: { node: Node; next: number }[] = []
  const enter = (node: Node): void => {
    if (seen.has(node) || !isInside(node)) return
    seen.add(node)
    stack.push({ node, next: 0 })
  }
  for (const output of outputs) {
    enter(output)
    while (stack.length > 0) {
      const frame = stack[stack.length - 1]
      if (frame.next < frame.node.inputs.length) enter(frame.node.inputs[frame.next++])
      else {
        if (frame.node.inputs.length > 0) order.push(frame.node)
        stack.pop()
      }
    }
  }
  return order
}
