// What operations accept, made into nodes that fit together: numbers become constants, shapes broadcast, dtypes promote.
import { isFloat, promote, type Dtype } from '../dtype.js'
import { DeviceError, DtypeError } from '../errors.js'
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import { broadcastShapes, type Shape } from '../shape.js'

export type Operand = Node | number

/** The node itself, or the number as a scalar of the other operand's element type; beside bool i32; f32 where an integer type cannot hold it. */
function nodeOf(operand: Operand, beside: Node): Node {
  if (typeof operand !== 'number') return operand
  return build.constant(operand, [], isFloat(beside.dtype) ? beside.dtype : integerTypeFor(operand, beside.dtype), beside.device)
}

function integerTypeFor(value: number, beside: Dtype): Dtype {
  if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32) return 'f32'
  if (beside !== 'u32' && value >= 2 ** 31) return 'f32'
  return beside === 'bool' ? 'i32' : beside
}

/** A number as a scalar of exactly the node's element type. */
export function scalarLike(where: string, value: number, node: Node): Node {
  if (!isFloat(node.dtype) && !Number.isInteger(value)) throw new DtypeError(`${where}: the value must fit in ${node.dtype}, got ${value}; convert the tensor with .to('f32')`)
  return build.constant(value, [], node.dtype, node.device)
}

/** Adds leading axes of size 1 and repeats, up to `shape`. */
export function broadcastTo(node: Node, shape: Shape): Node {
  const padded = [...new Array<number>(shape.length - node.shape.length).fill(1), ...node.shape]
  return build.expand(build.reshape(node, padded), shape)
}

export function sameDevice(where: string, nodes: readonly Node[]): void {
  const other = nodes.find(node => node.device !== nodes[0].device)
  if (other)
    throw new DeviceError(`${where}: operands must be on one device, got ${nodes[0].device.kind} and ${other.device.kind}; move one with tensor.to(device)`)
}

/** Operands of an elementwise operation: one device, one dtype, one shape. */
export function broadcastOperands(where: string, operands: readonly Operand[]): Node[] {
  const anchor = operands.find(operand => typeof operand !== 'number')
  if (anchor === undefined || typeof anchor === 'number') throw new DtypeError(`${where}: at least one operand must be a tensor, got numbers only`)
  const nodes = operands.map(operand => nodeOf(operand, anchor))
  sameDevice(where, nodes)
  const dtype = nodes.map(node => node.dtype).reduce(promote)
  const shape = broadcastShapes(where, ...nodes.map(node => node.shape))
  // Halves are widened where they are used: a bias's copy in f32 would be a kernel of its own.
  return nodes.map(node => (node.dtype === 'f16' ? build.cast(broadcastTo(node, shape), dtype) : broadcastTo(build.cast(node, dtype), shape)))
}

export function requireFloat(where: string, node: Node): Node {
  if (!isFloat(node.dtype)) throw new DtypeError(`${where}: operand must be a float tensor, got ${node.dtype}; convert with .to('f32')`)
  return node
}

/** bool has no arithmetic but `and` and `or`, which add, mul, maximum and minimum are on it. */
export function requireNumber(where: string, node: Node): Node {
  if (node.dtype === 'bool') throw new DtypeError(`${where}: operands must be numbers, got bool; convert with .to('i32') or .to('f32')`)
  return node
}

export function requireInteger(where: string, node: Node): Node {
  const integers: readonly Dtype[] = ['i32', 'u32']
  if (!integers.includes(node.dtype)) throw new DtypeError(`${where}: indices must be an integer tensor, got ${node.dtype}; convert with .to('i32')`)
  return build.cast(node, 'i32')
}

/** Integer tensors become f32, as true division and exp do in PyTorch. */
export const toFloat = (node: Node): Node => (isFloat(node.dtype) ? node : build.cast(node, 'f32'))

/** Halves are computed with in f32: sums and statistics of them would lose what is small, and squares overflow above 255. */
export const widened = (node: Node): Node => (node.dtype === 'f16' ? build.cast(node, 'f32') : node)

/** `compute` in f32 for halves, its result rounded once. */
export const inF32 = (node: Node, compute: (wide: Node) => Node): Node => build.cast(compute(widened(node)), node.dtype)
