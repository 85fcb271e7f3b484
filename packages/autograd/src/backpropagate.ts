// The transformation itself: from nodes whose gradients are known back to nodes whose gradients are wanted, over the graph between them,
// without recursion and in time proportional to its size. It adds nodes and computes nothing. Public functions are in grad.ts.
import type { Tensor } from '@abovo/tensor-webgpu'
import type { Node } from '@abovo/tensor-webgpu/graph'
import { Contributions } from './contributions.js'
import { customCallOf, customOutputOf } from './custom-call.js'
import { GradientError } from './gradient-error.js'
import { Recomputation } from './recompute.js'
import { differentiateNode } from './rules/differentiate-node.js'
import type { InputGradients } from './rules/rule.js'

export interface Backpropagation {
  /** For each wanted node its gradient, zero as null. */
  readonly gradients: readonly (Tensor | null)[]
  /** Whether any root depends on the wanted node through differentiable operations. */
  readonly reached: readonly boolean[]
}

const isFloat = (node: Node): boolean => node.dtype === 'f32' || node.dtype === 'f16'

/** What a node's gradient flows to. */
function sourcesOf(node: Node): readonly Node[] {
  const output = customOutputOf(node)
  if (output !== undefined) return [output.call.anchor]
  const call = customCallOf(node)
  if (call !== undefined) return call.inputs
  const { kind } = node.operation
  return kind === 'stopGradient' || kind === 'bitcast' ? [] : node.inputs
}

/**
 * Gradients of Σ roots·seeds with respect to `wanted`.
 * @param independent treat wanted nodes as variables of their own, even where one is computed from another
 */
export function backpropagate(roots: readonly Node[], seeds: readonly Tensor[], wanted: readonly Node[], { independent = false } = {}): Backpropagation {
  const targets = new Set(wanted)
  const isLeaf = (node: Node): boolean => independent && targets.has(node)
  const order = differentiableOrder(roots, isLeaf)
  const reached = new Set<Node>()
  for (const node of order) if (targets.has(node) || (!isLeaf(node) && sourcesOf(node).some(source => reached.has(source)))) reached.add(node)

  const arriving = new Map<Node, Contributions[]>()
  const add = (node: Node, gradient: Tensor, slot = 0): void => {
    const slots = arriving.get(node) ?? []
    arriving.set(node, slots)
    ;(slots[slot] ??= new Contributions()).add(gradient)
  }
  roots.forEach((root, i) => {
    if (reached.has(root)) add(root, seeds[i])
  })
  const found = new Map<Node, Tensor>()
  const recomputation = new Recomputation()
  for (let at = order.length - 1; at >= 0; at--) {
    const node = order[at]
    const slots = arriving.get(node)
    if (slots === undefined) continue
    const gradients = Array.from(slots, slot => slot?.total() ?? null)
    arriving.delete(node)
    const [gradient] = gradients
    if (targets.has(node) && gradient !== null) found.set(node, gradient)
    if (isLeaf(node)) continue
    const sources = sourcesOf(node)
    const needs = sources.map(source => reached.has(source))
    if (!needs.includes(true)) continue
    const slot = resultIndexOf(node)
    if (slot !== null) {
      if (gradient !== null) add(sources[0], gradient, slot)
      continue
    }
    const leaving = gradientsLeaving(node, gradients, needs, recomputation)
    sources.forEach((source, i) => {
      const next = leaving[i]
      if (needs[i] && next) add(source, next)
    })
  }
  return { gradients: wanted.map(node => found.get(node) ?? null), reached: wanted.map(node => reached.has(node)) }
}

/** Which result of an operation with several the node is: their gradients meet at that operation. */
const resultIndexOf = (node: Node): number | null => customOutputOf(node)?.index ?? (node.operation.kind === 'part' ? node.operation.index : null)

function gradientsLeaving(node: Node, gradients: readonly (Tensor | null)[], needs: readonly boolean[], recomputation: Recomputation): InputGradients {
  const call = customCallOf(node)
  if (call !== undefined) return call.backward(gradients)
  const arrived = gradients.find(gradient => gradient !== null) ?? undefined
  return differentiateNode(recomputation.copyOf(node, arrived), gradients, needs, partialDerivatives)
}

function partialDerivatives(outputs: readonly Tensor[], gradients: readonly (Tensor | null)[], inputs: readonly Tensor[]): InputGradients {
  const seeded = outputs.map((output, i) => ({ root: output.node, seed: gradients[i] })).flatMap(({ root, seed }) => (seed ? [{ root, seed }] : []))
  const nodes = inputs.map(input => input.node)
  const result = backpropagate(seeded.map(({ root }) => root), seeded.map(({ seed }) => seed), nodes, { independent: true })
  // An operand that is given twice has both its gradients in one: it is passed on once.
  return result.gradients.map((gradient, i) => (nodes.indexOf(nodes[i]) === i ? gradient : null))
}

/** The float nodes under the roots, each after its inputs; a chain of 100,000 is ordinary. */
function differentiableOrder(roots: readonly Node[], isLeaf: (node: Node) => boolean): Node[] {
  const order: Node[] = []
  const seen = new Set<Node>()
  const stack: { node: Node; sources: readonly Node[]; next: number }[] = []
  const enter = (node: Node): void => {
    if (seen.has(node) || !isFloat(node)) return
    if (node.absence === 'overwritten')
      throw new GradientError(`grad: the graph must hold the values it was built on, but one of shape (${node.shape.join(', ')}) was since updated in place by a compiled function; build the loss again, or take its gradient before the update`)
    seen.add(node)
    stack.push({ node, sources: isLeaf(node) ? [] : sourcesOf(node), next: 0 })
  }
  for (const root of roots) {
    enter(root)
    while (stack.length > 0) {
      const frame = stack[stack.length - 1]
      if (frame.next < frame.sources.length) enter(frame.sources[frame.next++])
      else {
        order.push(frame.node)
        stack.pop()
      }
    }
  }
  return order
}
