// Looking for what made the first NaN or infinity: the graph computed step by step. For when something is wrong already: it reads every value.
import { Tensor } from '@abovo/tensor-webgpu'
import { orderNodes, type Node } from '@abovo/tensor-webgpu/graph'
import { leavesOf } from './tensor-tree.js'

export interface NonFinite {
  /** The operation, such as `log` or `matmul`; `source` where a given tensor holds the value. */
  readonly operation: string
  readonly value: number
  /** Index of the element. */
  readonly at: readonly number[]
  readonly shape: readonly number[]
  /** The operands' elements at that place, for elementwise operations. */
  readonly operands: readonly number[]
  /** The line that called the operation, where sites were being recorded when it did. */
  readonly site: string | null
  /** One sentence with all of it. */
  readonly message: string
}

/** Nodes of one run: few enough to hold their values at once. */
const CHUNK = 64

/**
 * The first operation, in the order of computation, whose result has a NaN or an infinity; null if there is none. What an infinite literal
 * reaches (a mask's −∞) is searched for NaN alone. All intermediate values stay with the graph until it is dropped.
 *
 * @param value a tensor that may be wrong (a loss, a gradient), or a tree of them
 * @example
 * const x = tensor([1, 0])
 * await findNonFinite(x.log().sum())   // { operation: 'log', value: -Infinity, at: [1], operands: [0], … }
 */
export async function findNonFinite(value: unknown): Promise<NonFinite | null> {
  const roots = leavesOf('findNonFinite', value).map(leaf => leaf.tensor.node)
  const all = orderNodes(roots, () => false)
  const nodes = all.filter(node => isFloat(node) && isComputed(node))
  const excused = underInfiniteLiterals(all)
  for (let from = 0; from < nodes.length; from += CHUNK) {
    const chunk = nodes.slice(from, from + CHUNK)
    const values = await Promise.all(chunk.map(node => new Tensor(node).data()))
    for (const [i, data] of values.entries()) {
      const element = data.findIndex(number => Number.isNaN(number) || (!Number.isFinite(number) && !excused.has(chunk[i])))
      if (element >= 0) return describe(chunk[i], element, data[element])
    }
  }
  return null
}

const isFloat = (node: Node): boolean => node.dtype === 'f32' || node.dtype === 'f16'

/** What has a value of its own: an operation with several results has it in its parts. */
const isComputed = ({ operation: { kind } }: Node): boolean => kind !== 'constant' && kind !== 'attention' && kind !== 'attentionBackward'

function underInfiniteLiterals(nodes: readonly Node[]): Set<Node> {
  const found = new Set<Node>()
  for (const node of nodes) {
    const { operation } = node
    if ((operation.kind === 'constant' && !Number.isFinite(operation.value)) || node.inputs.some(input => found.has(input))) found.add(node)
  }
  return found
}

async function describe(node: Node, element: number, value: number): Promise<NonFinite> {
  const { shape } = node
  const operation = nameOf(node)
  const at = placeOf(element, shape)
  const operands = node.operation.kind === 'elementwise' ? await Promise.all(node.inputs.map(async input => (await new Tensor(input).data())[element])) : []
  const given = operands.length === 0 ? '' : `, from ${operands.join(' and ')}`
  const made = node.site === null ? '' : `, called at ${node.site}`
  return { operation, value, at, shape, operands, site: node.site, message: `${operation} gave ${value} at [${at.join(', ')}] of shape (${shape.join(', ')})${given}${made}` }
}

function nameOf(node: Node): string {
  const { operation } = node.operation.kind === 'part' ? node.inputs[0] : node
  return operation.kind === 'elementwise' || operation.kind === 'reduce' ? operation.fn : operation.kind
}

function placeOf(element: number, shape: readonly number[]): number[] {
  let rest = element
  return shape.map((_, axis) => {
    const stride = shape.slice(axis + 1).reduce((product, n) => product * n, 1)
    const index = Math.floor(rest / stride)
    rest -= index * stride
    return index
  })
}
