// The second computation of what checkpointed functions did not keep: copies of their nodes, on arguments that cannot be confused with the
// first ones and that are not there before the backward pass arrives.
import { Tensor, where, zerosLike } from '@abovo/tensor-webgpu'
import { Node } from '@abovo/tensor-webgpu/graph'
import { regionOf, type Region } from './checkpoint.js'
import { customOutputOf, registerCustomOutput } from './custom-call.js'

/** The copies made in one backward pass. */
export class Recomputation {
  readonly #copies = new Map<Region, ReadonlyMap<Node, Node>>()

  /** The node whose operands the derivative should use: the node itself, or its copy once `arrived`, the gradient that is here already, is. */
  copyOf(node: Node, arrived: Tensor | undefined): Node {
    const region = regionOf(node)
    if (region === undefined || arrived === undefined) return node
    const copies = this.#copies.get(region) ?? copyRegion(region, arrived)
    this.#copies.set(region, copies)
    return copies.get(node) ?? node
  }
}

function copyRegion({ inputs, interior }: Region, arrived: Tensor): ReadonlyMap<Node, Node> {
  const copies = new Map<Node, Node>()
  const after = alwaysTrue(arrived)
  for (const input of inputs) copies.set(input, heldBack(new Tensor(input), after).node)
  for (const node of interior) {
    const copy = new Node(node.operation, node.inputs.map(input => copies.get(input) ?? input), node.shape, node.dtype, node.device)
    const custom = customOutputOf(node)
    if (custom !== undefined) registerCustomOutput(copy, custom)
    copies.set(node, copy)
  }
  return copies
}

const heldBack = (x: Tensor, after: Tensor): Tensor => where(after, x, zerosLike(x))

/**
 * A condition that holds whatever `value` is, but that nobody knows before `value` is there. Without it a planner would merge the copies with
 * the originals as common subexpressions, or compute them at once, and nothing would be saved.
 */
function alwaysTrue(value: Tensor): Tensor {
  const first = value.flatten().narrow(0, 0, 1).squeeze(0)
  return first.to('f32').bitcast('u32').le(0xffffffff)
}
