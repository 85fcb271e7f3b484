// Order: sort, argsort, top-k, searching, and random draws that need them. A place in the order is a count of what comes before, so that
// everything here is comparisons and sums, equal on all devices; n² comparisons a row, held in no memory.
import type { Device } from '../devices/device.js'
import { ShapeError } from '../errors.js'
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import { formatShape, normalizeAxis } from '../shape.js'
import { randomBits, rand, type RandomOptions } from './create.js'
import * as el from './elementwise.js'
import { narrow, transpose } from './movement.js'
import { broadcastTo, sameDevice } from './operand.js'
import { argmax, sum } from './reduce.js'

/** For each element along the last axis, its place in the stable order. */
function places(node: Node, descending: boolean): Node {
  const n = node.shape[node.shape.length - 1]
  const square = [...node.shape, n]
  const mine = broadcastTo(build.reshape(node, [...node.shape, 1]), square)
  const other = broadcastTo(build.reshape(node, [...node.shape.slice(0, -1), 1, n]), square)
  const before = descending ? el.gt(other, mine) : el.lt(other, mine)
  const [own, its] = [build.indexAlong(square.length - 2, square, node.device), build.indexAlong(square.length - 1, square, node.device)]
  const tie = el.logicalAnd(el.eq(other, mine), el.lt(its, own))
  return sum(build.cast(el.logicalOr(before, tie), 'i32'), { axis: -1 })
}

/** The indices that put an axis in order; equal elements keep theirs. */
export function argsort(node: Node, { axis = -1, descending = false }: { axis?: number; descending?: boolean } = {}): Node {
  const d = normalizeAxis('argsort', axis, node.shape.length)
  if (d !== node.shape.length - 1) return transpose(argsort(transpose(node, d, -1), { axis: -1, descending }), d, -1)
  const index = build.indexAlong(d, node.shape, node.device)
  return build.scatterAdd(node.shape, d, places(node, descending), index)
}

/** [values in order, the indices they had]. */
export function sort(node: Node, options: { axis?: number; descending?: boolean } = {}): [Node, Node] {
  const order = argsort(node, options)
  return [build.gather(node, normalizeAxis('sort', options.axis ?? -1, node.shape.length), order), order]
}

/** The k largest (or smallest) along an axis, in order: [values, indices]. */
export function topk(node: Node, k: number, { axis = -1, largest = true }: { axis?: number; largest?: boolean } = {}): [Node, Node] {
  const d = normalizeAxis('topk', axis, node.shape.length)
  if (!Number.isInteger(k) || k < 0 || k > node.shape[d]) throw new ShapeError(`topk: k must be an integer from 0 to ${node.shape[d]}, the size of axis ${axis}, got ${k}`)
  const order = narrow(argsort(node, { axis: d, descending: largest }), d, 0, k)
  return [build.gather(build.slice(node, node.shape.map(() => 0), order.shape.map((n, i) => (i === d ? node.shape[d] : n)), node.shape.map(() => 1)), d, order), order]
}

/** How many elements of an ascending vector lie below each value (`right`: at or below): where it would be inserted. */
export function searchsorted(sorted: Node, values: Node, { right = false }: { right?: boolean } = {}): Node {
  sameDevice('searchsorted', [sorted, values])
  if (sorted.shape.length !== 1) throw new ShapeError(`searchsorted: the ordered operand must be a vector, got ${formatShape(sorted.shape)}`)
  const wide = build.reshape(values, [...values.shape, 1])
  return sum(build.cast(right ? el.le(sorted, wide) : el.lt(sorted, wide), 'i32'), { axis: -1 })
}

/** A random order of 0 … n-1. */
export function permutation(n: number, options: RandomOptions, device: Device): Node {
  return argsort(randomBits([n], options, device))
}

/** Class indices drawn with probability proportional to the weights (…, classes), by the Gumbel-max trick: shape (…, samples). */
export function multinomial(weights: Node, samples: number, { replacement = false, ...options }: RandomOptions & { replacement?: boolean }): Node {
  const classes = weights.shape[weights.shape.length - 1]
  if (!replacement && samples > classes) throw new ShapeError(`multinomial: at most ${classes} samples can be drawn without replacement, got ${samples}`)
  const shape = replacement ? [...weights.shape.slice(0, -1), samples, classes] : weights.shape
  // −log(−log u) with u in (0, 1); a class of weight 0 gets the lowest key.
  const u = el.add(el.mul(rand(shape, options, weights.device), 1 - 2 ** -24), 2 ** -25)
  const logits = el.where(el.gt(weights, 0), el.log(weights), -1e30)
  const keys = el.add(replacement ? build.reshape(logits, [...weights.shape.slice(0, -1), 1, classes]) : logits, el.neg(el.log(el.neg(el.log(u)))))
  return replacement ? argmax(keys, { axis: -1 }) : topk(keys, samples)[1]
}

/** Running product along an axis: each pass multiplies by the value 2ⁱ places before, 1 where there is none. */
export function cumprod(node: Node, axis: number): Node {
  const d = normalizeAxis('cumprod', axis, node.shape.length)
  let total = node
  for (let shift = 1; shift < node.shape[d]; shift *= 2) {
    const kept = node.shape.map((n, i) => (i === d ? n - shift : n))
    const earlier = build.slice(total, node.shape.map(() => 0), kept, node.shape.map(() => 1))
    const padded = build.pad(earlier, node.shape.map((_, i) => (i === d ? shift : 0)), node.shape.map(() => 0))
    const first = el.lt(build.indexAlong(d, node.shape, node.device), shift)
    total = build.elementwise('mul', total, el.where(first, build.constant(1, node.shape, node.dtype, node.device), padded))
  }
  return total
}
