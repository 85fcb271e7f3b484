// Reductions and what follows from them: sums, extremes, moments, norms, cumulative sums. PyTorch's meanings: `axis` one, several or all; `keepdim`.
import { ShapeError } from '../errors.js'
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import type { ReduceFunction } from '../plan/kernel.js'
import { normalizeAxes, normalizeAxis, sizeOf } from '../shape.js'
import { broadcastOperands, broadcastTo, inF32, requireFloat, toFloat } from './operand.js'
import * as el from './elementwise.js'

export interface ReduceOptions {
  axis?: number | readonly number[]
  keepdim?: boolean
}

function dropAxes(node: Node, axes: readonly number[], keepdim: boolean): Node {
  return keepdim ? node : build.reshape(node, node.shape.filter((_, axis) => !axes.includes(axis)))
}

function reduceWith(where: string, fn: ReduceFunction, node: Node, { axis, keepdim = false }: ReduceOptions): Node {
  const axes = normalizeAxes(where, axis, node.shape.length)
  return dropAxes(build.reduce(fn, node, axes), axes, keepdim)
}

const countable = (node: Node): Node => (node.dtype === 'bool' ? build.cast(node, 'i32') : node)

export const sum = (node: Node, options: ReduceOptions = {}): Node => reduceWith('sum', 'sum', countable(node), options)
export const prod = (node: Node, options: ReduceOptions = {}): Node => reduceWith('prod', 'prod', countable(node), options)

function extreme(where: string, fn: 'max' | 'min', node: Node, options: ReduceOptions): Node {
  const axes = normalizeAxes(where, options.axis, node.shape.length)
  if (sizeOf(axes.map(axis => node.shape[axis])) === 0) throw new ShapeError(`${where}: the reduced axes must not be empty, got shape (${node.shape.join(', ')})`)
  return reduceWith(where, fn, node, options)
}

export const max = (node: Node, options: ReduceOptions = {}): Node => extreme('max', 'max', node, options)
export const min = (node: Node, options: ReduceOptions = {}): Node => extreme('min', 'min', node, options)
export const any = (node: Node, options: ReduceOptions = {}): Node => reduceWith('any', 'max', build.cast(node, 'bool'), options)
export const all = (node: Node, options: ReduceOptions = {}): Node => reduceWith('all', 'min', build.cast(node, 'bool'), options)

export function mean(node: Node, options: ReduceOptions = {}): Node {
  const axes = normalizeAxes('mean', options.axis, node.shape.length)
  return inF32(toFloat(node), x => el.mul(sum(x, options), 1 / sizeOf(axes.map(axis => node.shape[axis]))))
}

/** Variance with `correction` degrees of freedom taken off (1 by default, as PyTorch). Two passes: squares of centred values. */
export function variance(node: Node, { correction = 1, ...options }: ReduceOptions & { correction?: number } = {}): Node {
  const axes = normalizeAxes('variance', options.axis, node.shape.length)
  const count = sizeOf(axes.map(axis => node.shape[axis]))
  return inF32(requireFloat('variance', node), x => {
    const centred = el.sub(x, mean(x, { axis: axes, keepdim: true }))
    return el.mul(sum(el.square(centred), options), 1 / Math.max(0, count - correction))
  })
}

/** √x whose gradient at 0 is 0, as that of PyTorch's norm and std, where √ alone has none. */
function rootOf(node: Node): Node {
  const zero = el.eq(node, 0)
  return el.where(zero, 0, el.sqrt(el.where(zero, 1, node)))
}

export const std = (node: Node, options: ReduceOptions & { correction?: number } = {}): Node => inF32(node, x => rootOf(variance(x, options)))

/** log Σ exp, max-subtracted: exp overflows f32 above 88. */
export function logSumExp(given: Node, options: ReduceOptions = {}): Node {
  const axes = normalizeAxes('logSumExp', options.axis, given.shape.length)
  return inF32(toFloat(given), node => {
    // No gradient through the shift: it cancels.
    const shift = build.stopGradient(max(node, { axis: axes, keepdim: true }))
    const finite = el.where(el.isFinite(shift), shift, 0)
    const result = el.add(el.log(sum(el.exp(el.sub(node, finite)), { axis: axes, keepdim: true })), finite)
    return dropAxes(result, axes, options.keepdim ?? false)
  })
}

/** The p-norm over all given axes: p = 2 by default, 1 or Infinity. */
export function norm(node: Node, { p = 2, ...options }: ReduceOptions & { p?: number } = {}): Node {
  requireFloat('norm', node)
  if (p === 1) return sum(el.abs(node), options)
  if (p === Infinity) return max(el.abs(node), options)
  return inF32(node, x => (p === 2 ? rootOf(sum(el.square(x), options)) : el.pow(sum(el.pow(el.abs(x), p), options), 1 / p)))
}

function argExtreme(where: string, fn: 'max' | 'min', node: Node, { axis, keepdim = false }: { axis?: number; keepdim?: boolean }): Node {
  if (axis === undefined) return argExtreme(where, fn, build.reshape(node, [sizeOf(node.shape)]), { axis: 0, keepdim: false })
  const d = normalizeAxis(where, axis, node.shape.length)
  if (node.shape[d] === 0) throw new ShapeError(`${where}: the reduced axis must not be empty, got shape (${node.shape.join(', ')})`)
  const best = (fn === 'max' ? max : min)(node, { axis: d, keepdim: true })
  const [x, y] = broadcastOperands(where, [node, best])
  const places = build.elementwise('where', build.elementwise('eq', x, y), build.indexAlong(d, node.shape, node.device), build.constant(node.shape[d] - 1, node.shape, 'i32', node.device))
  return dropAxes(build.reduce('min', places, [d]), [d], keepdim)
}

/** Index of the first largest value; of the flattened tensor when no axis is given. */
export const argmax = (node: Node, options: { axis?: number; keepdim?: boolean } = {}): Node => argExtreme('argmax', 'max', node, options)
export const argmin = (node: Node, options: { axis?: number; keepdim?: boolean } = {}): Node => argExtreme('argmin', 'min', node, options)

/** Running sum along an axis, by log₂(n) shifted additions: each pass adds the value 2ⁱ places before. */
export function cumsum(node: Node, axis: number): Node {
  const d = normalizeAxis('cumsum', axis, node.shape.length)
  return inF32(countable(node), x => {
    let total = x
    for (let shift = 1; shift < node.shape[d]; shift *= 2) {
      const kept = node.shape.map((n, i) => (i === d ? n - shift : n))
      const earlier = build.slice(total, node.shape.map(() => 0), kept, node.shape.map(() => 1))
      total = build.elementwise('add', total, build.pad(earlier, node.shape.map((_, i) => (i === d ? shift : 0)), node.shape.map(() => 0)))
    }
    return total
  })
}

/** Numerically safe softmax along an axis. */
export function softmax(node: Node, axis: number): Node {
  requireFloat('softmax', node)
  const d = normalizeAxis('softmax', axis, node.shape.length)
  if (node.shape[d] === 0) return node
  return inF32(node, x => {
    const shift = build.stopGradient(max(x, { axis: d, keepdim: true }))
    const e = el.exp(el.sub(x, shift))
    return el.div(e, broadcastTo(sum(e, { axis: d, keepdim: true }), node.shape))
  })
}

export function logSoftmax(node: Node, axis: number): Node {
  requireFloat('logSoftmax', node)
  const d = normalizeAxis('logSoftmax', axis, node.shape.length)
  if (node.shape[d] === 0) return node
  return inF32(node, x => {
    const shift = build.stopGradient(max(x, { axis: d, keepdim: true }))
    const shifted = el.sub(x, shift)
    return el.sub(shifted, el.log(sum(el.exp(shifted), { axis: d, keepdim: true })))
  })
}

