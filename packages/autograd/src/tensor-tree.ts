// Tensors in arrays and plain objects, at any depth: what gradients are taken with respect to, and the tree that comes back.
import { Tensor } from '@abovo/tensor-webgpu'
import { GradientError } from './gradient-error.js'

/** The same tree with a tensor in each tensor's place. */
export type Gradients<T> = T extends Tensor ? Tensor : { readonly [K in keyof T]: Gradients<T[K]> }

export interface Leaf {
  /** Where the tensor stands, such as `layers.0.weight`; '' for a tensor that is the whole tree. */
  readonly path: string
  readonly tensor: Tensor
}

/** The tensors of a tree in order: array elements, then object values in insertion order. */
export function leavesOf(where: string, tree: unknown, path = ''): Leaf[] {
  if (Tensor.isTensor(tree)) return [{ path, tensor: tree }]
  if (typeof tree !== 'object' || tree === null || ArrayBuffer.isView(tree))
    throw new GradientError(`${where}: tensors, or arrays and objects of them, must be given, got ${tree === null ? 'null' : typeof tree}${path && ` at ${path}`}`)
  return Object.entries(tree).flatMap(([key, value]) => leavesOf(where, value, path === '' ? key : `${path}.${key}`))
}

/** The same tree with the given tensors in the leaves' places, in the order of `leavesOf`. */
export function withLeaves<T>(tree: T, tensors: readonly Tensor[]): Gradients<T>
export function withLeaves(tree: unknown, tensors: readonly Tensor[]): unknown {
  let next = 0
  const rebuild = (value: unknown): unknown => {
    if (Tensor.isTensor(value)) return tensors[next++]
    if (Array.isArray(value)) return value.map(rebuild)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rebuild(item)]))
  }
  return rebuild(tree)
}
