// Reading and writing by index: gather and its relatives, embedding, one-hot. Indices on the host are checked where a tensor is made from them;
// on the device an index out of range is clamped, so no kernel can leave its memory.
import { ShapeError } from '../errors.js'
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import { formatShape, normalizeAxis, sizeOf } from '../shape.js'
import { broadcastTo, requireInteger, requireNumber, sameDevice, scalarLike } from './operand.js'
import * as el from './elementwise.js'

/** out[i][j][k] = node[index[i][j][k]][j][k] for axis 0, and so on; index may be smaller than node on the other axes. PyTorch's gather. */
export function gather(node: Node, axis: number, index: Node): Node {
  sameDevice('gather', [node, index])
  const d = checkIndex('gather', node, axis, index)
  const cropped = build.slice(node, node.shape.map(() => 0), index.shape.map((n, i) => (i === d ? node.shape[d] : n)), node.shape.map(() => 1))
  return build.gather(cropped, d, requireInteger('gather', index))
}

function checkIndex(where: string, node: Node, axis: number, index: Node): number {
  const d = normalizeAxis(where, axis, node.shape.length)
  if (index.shape.length !== node.shape.length || index.shape.some((n, i) => i !== d && n > node.shape[i]))
    throw new ShapeError(`${where}: index must have the operand's rank and fit in it except along axis ${axis}, got ${formatShape(index.shape)} for ${formatShape(node.shape)}`)
  return d
}

/** `node` with `values` added at the places that `index` names along `axis`; several values at one place add up, in index order. */
export function scatterAdd(node: Node, axis: number, index: Node, values: Node): Node {
  sameDevice('scatterAdd', [requireNumber('scatterAdd', node), index, values])
  const d = checkIndex('scatterAdd', node, axis, index)
  if (values.shape.length !== index.shape.length || index.shape.some((n, i) => n > values.shape[i]))
    throw new ShapeError(`scatterAdd: values must cover the index, got ${formatShape(values.shape)} for ${formatShape(index.shape)}`)
  const covered = build.slice(build.cast(values, node.dtype), values.shape.map(() => 0), index.shape, values.shape.map(() => 1))
  const shape = index.shape.map((n, i) => (i === d ? node.shape[d] : n))
  const added = build.scatterAdd(shape, d, requireInteger('scatterAdd', index), covered)
  return el.add(node, build.pad(added, shape.map(() => 0), shape.map((n, i) => node.shape[i] - n)))
}

/**
 * `node` with `values` (or one number) written at the places that `index` names along `axis`. Where several go to one place the last stays, on
 * every device; PyTorch leaves that open. Each place looks at all indices of its line.
 */
export function scatter(node: Node, axis: number, index: Node, values: Node | number): Node {
  const given = typeof values === 'number' ? broadcastTo(scalarLike('scatter', values, node), index.shape) : build.cast(values, node.dtype)
  sameDevice('scatter', [node, index, given])
  const d = checkIndex('scatter', node, axis, index)
  if (given.shape.length !== index.shape.length || index.shape.some((n, i) => n > given.shape[i]))
    throw new ShapeError(`scatter: values must cover the index, got ${formatShape(given.shape)} for ${formatShape(index.shape)}`)
  if (sizeOf(index.shape) === 0) return node
  const last = index.shape.length
  const size = node.shape[d]
  const square = [...index.shape.map((n, i) => (i === d ? size : n)), index.shape[d]]            // (…, place, …, source)
  const order = Array.from({ length: last }, (_, i) => i).filter(i => i !== d)
  const lined = build.reshape(build.permute(requireInteger('scatter', index), [...order, d]), [...order.map(i => index.shape[i]), 1, index.shape[d]])
  const back = [...Array.from({ length: last }, (_, i) => (i === d ? last - 1 : order.indexOf(i))), last]
  const named = build.permute(broadcastTo(lined, [...order.map(i => index.shape[i]), size, index.shape[d]]), back)
  // One more than the last source that names a place: 0 where none does, also in what the index does not reach.
  const sources = el.where(el.eq(named, build.indexAlong(d, square, node.device)), el.add(build.indexAlong(last, square, node.device), 1), 0)
  const latest = build.reshape(build.reduce('max', sources, [last]), square.slice(0, -1))
  const covered = build.slice(given, given.shape.map(() => 0), index.shape, given.shape.map(() => 1))
  const taken = build.gather(covered, d, el.maximum(el.sub(latest, 1), 0))
  const grown = latest.shape.map((n, i) => node.shape[i] - n)
  const before = grown.map(() => 0)
  return el.where(el.gt(build.pad(latest, before, grown), 0), build.pad(taken, before, grown), node)
}

/**
 * `node` with `values` written over it from place `start` of `axis` on; `values` have the node's sizes on the other axes. A start that is a tensor (one
 * integer) is known on the device only: there it is clamped so that all values fit, as XLA's dynamic_update_slice. PyTorch's slice_scatter.
 */
export function sliceScatter(node: Node, axis: number, start: Node | number, values: Node): Node {
  const where = 'sliceScatter'
  const d = normalizeAxis(where, axis, node.shape.length)
  const n = values.shape[d]
  if (values.shape.length !== node.shape.length || values.shape.some((size, i) => (i === d ? size > node.shape[i] : size !== node.shape[i])))
    throw new ShapeError(`${where}: values must have the operand's shape, or less along axis ${axis}, got ${formatShape(values.shape)} for ${formatShape(node.shape)}`)
  if (typeof start === 'number' && !(Number.isInteger(start) && start >= 0 && start + n <= node.shape[d]))
    throw new ShapeError(`${where}: start must be an integer from 0 to ${node.shape[d] - n}, so that ${n} places fit in ${node.shape[d]}, got ${start}`)
  const from = typeof start === 'number' ? build.constant(start, [], 'i32', node.device) : requireInteger(where, start)
  if (sizeOf(from.shape) !== 1) throw new ShapeError(`${where}: start must be one number, got ${formatShape(from.shape)}`)
  sameDevice(where, [node, from, values])
  if (n === 0) return node
  return build.sliceScatter(node, d, build.reshape(from, node.shape.map(() => 1)), build.cast(values, node.dtype))
}

/** Rows (or other slices along `axis`) named by a vector of indices. */
export function indexSelect(node: Node, axis: number, index: Node): Node {
  sameDevice('indexSelect', [node, index])
  const d = normalizeAxis('indexSelect', axis, node.shape.length)
  if (index.shape.length !== 1) throw new ShapeError(`indexSelect: index must be a vector, got ${formatShape(index.shape)}`)
  const shape = node.shape.map((n, i) => (i === d ? index.shape[0] : n))
  const lined = build.reshape(requireInteger('indexSelect', index), shape.map((n, i) => (i === d ? n : 1)))
  return build.gather(node, d, build.expand(lined, shape))
}

/** Row ids[…] of a table (V, C): shape (…, C). */
export function embedding(ids: Node, table: Node): Node {
  sameDevice('embedding', [ids, table])
  if (table.shape.length !== 2) throw new ShapeError(`embedding: the table must have shape (V, C), got ${formatShape(table.shape)}`)
  const rows = indexSelect(table, 0, build.reshape(ids, [sizeOf(ids.shape)]))
  return build.reshape(rows, [...ids.shape, table.shape[1]])
}

/** Elements of the flattened tensor at the given places. */
export const take = (node: Node, index: Node): Node => build.reshape(indexSelect(build.reshape(node, [sizeOf(node.shape)]), 0, build.reshape(index, [sizeOf(index.shape)])), index.shape)

/** 1 where the class is the index, else 0: shape (…, classes), i32. */
export function oneHot(index: Node, classes: number): Node {
  const shape = [...index.shape, classes]
  const given = broadcastTo(build.reshape(requireInteger('oneHot', index), [...index.shape, 1]), shape)
  return build.cast(el.eq(given, build.indexAlong(shape.length - 1, shape, index.device)), 'i32')
}

/** Slices along the first axis named by an index of any shape: x[index] in PyTorch. */
export function indexAt(node: Node, index: Node): Node {
  const rows = indexSelect(node, 0, build.reshape(index, [sizeOf(index.shape)]))
  return build.reshape(rows, [...index.shape, ...node.shape.slice(1)])
}
