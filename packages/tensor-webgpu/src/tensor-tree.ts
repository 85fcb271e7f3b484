// Tensors in arrays and plain objects, at any depth: what compiled functions take and give.
import { Tensor } from './tensor.js'

export type TensorTree<L> = L | readonly TensorTree<L>[] | { readonly [key: string]: TensorTree<L> }

const isLeaf = (value: unknown): value is Tensor | number => typeof value === 'number' || Tensor.isTensor(value)

/** The leaves in order: array elements, then object values in insertion order. Anything else is no leaf. */
export function leavesOf(tree: unknown): (Tensor | number)[] {
  if (isLeaf(tree)) return [tree]
  if (typeof tree !== 'object' || tree === null) return []
  return Object.values(tree).flatMap(leavesOf)
}

export const tensorsIn = (tree: unknown): Tensor[] => leavesOf(tree).filter(leaf => typeof leaf !== 'number')

/** The same tree with other leaves. */
export function mapLeaves(tree: unknown, change: (leaf: Tensor | number) => unknown): unknown {
  if (isLeaf(tree)) return change(tree)
  if (Array.isArray(tree)) return tree.map(item => mapLeaves(item, change))
  if (typeof tree !== 'object' || tree === null) return tree
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, mapLeaves(value, change)]))
}

/** Equal for trees that a function cannot tell apart but by the numbers in their leaves. */
export function outline(tree: unknown): string {
  if (typeof tree === 'number') return 'number'
  if (Tensor.isTensor(tree)) return `${tree.dtype}[${tree.shape.join()}]`
  if (Array.isArray(tree)) return `(${tree.map(outline).join(';')})`
  if (typeof tree !== 'object' || tree === null) return typeof tree === 'string' ? JSON.stringify(tree) : typeof tree === 'function' ? 'function' : String(tree)
  return `{${Object.entries(tree).map(([key, value]) => `${JSON.stringify(key)}:${outline(value)}`).join(';')}}`
}
