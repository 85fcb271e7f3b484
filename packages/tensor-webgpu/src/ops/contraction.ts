// Contractions: matmul with PyTorch's vector and batch rules, outer products, tensordot, conv1d. Any number of operands by letters is einsum.ts.
import { isFloat, promote } from '../dtype.js'
import { ShapeError } from '../errors.js'
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import { broadcastShapes, formatShape, normalizeAxis, sizeOf } from '../shape.js'
import { broadcastTo, requireNumber, sameDevice } from './operand.js'
import * as el from './elementwise.js'
import { sum } from './reduce.js'

/** (…, M, K) × (…, K, N). Vectors act as a row (left) or a column (right); batch axes broadcast. */
export function matmul(a: Node, b: Node): Node {
  sameDevice('matmul', [a, b])
  if (a.shape.length === 0 || b.shape.length === 0) throw new ShapeError(`matmul: operands must have at least one axis, got ${formatShape(a.shape)} x ${formatShape(b.shape)}; use mul`)
  if (a.shape.length === 1) return dropAxis(matmul(build.reshape(a, [1, ...a.shape]), b), b.shape.length === 1 ? -1 : -2)
  if (b.shape.length === 1) return dropAxis(matmul(a, build.reshape(b, [...b.shape, 1])), -1)
  const k = a.shape[a.shape.length - 1]
  if (k !== b.shape[b.shape.length - 2]) {
    const hint = k === b.shape[b.shape.length - 1] ? '; transpose the second operand?' : ''
    throw new ShapeError(`matmul: inner sizes must match, got ${formatShape(a.shape)} x ${formatShape(b.shape)}${hint}`)
  }
  const dtype = promote(requireNumber('matmul', a).dtype, requireNumber('matmul', b).dtype)
  if (!isFloat(dtype)) return integerMatmul(build.cast(a, dtype), build.cast(b, dtype))
  const [x, y] = [build.cast(a, dtype), build.cast(b, dtype)]
  if (y.shape.length === 2) return build.matmul(x, y)
  const batch = broadcastShapes('matmul', x.shape.slice(0, -2), y.shape.slice(0, -2))
  return build.matmul(broadcastTo(x, [...batch, ...x.shape.slice(-2)]), broadcastTo(y, [...batch, ...y.shape.slice(-2)]))
}

/** Integers are multiplied and summed exactly, wrapping at 32 bits; contraction kernels are for floats. */
function integerMatmul(a: Node, b: Node): Node {
  const rows = build.reshape(a, [...a.shape, 1])                                                     // (…, M, K, 1)
  const columns = build.reshape(b, [...b.shape.slice(0, -2), 1, ...b.shape.slice(-2)])               // (…, 1, K, N)
  return sum(el.mul(rows, columns), { axis: -2 })
}

function dropAxis(node: Node, axis: number): Node {
  const d = node.shape.length + axis
  return build.reshape(node, node.shape.filter((_, i) => i !== d))
}

export const outer = (a: Node, b: Node): Node => el.mul(build.reshape(a, [sizeOf(a.shape), 1]), build.reshape(b, [1, sizeOf(b.shape)]))
export const dot = (a: Node, b: Node): Node => matmul(a, b)

/** Sums of products over axes: the last `axes` of a with the first of b, or the listed pairs. */
export function tensordot(a: Node, b: Node, axes: number | readonly [readonly number[], readonly number[]] = 2): Node {
  const [left, right] = typeof axes === 'number' ? [Array.from({ length: axes }, (_, i) => a.shape.length - axes + i), Array.from({ length: axes }, (_, i) => i)] : axes
  const x = left.map(axis => normalizeAxis('tensordot', axis, a.shape.length))
  const y = right.map(axis => normalizeAxis('tensordot', axis, b.shape.length))
  const sizes = x.map(axis => a.shape[axis])
  if (formatShape(sizes) !== formatShape(y.map(axis => b.shape[axis]))) throw new ShapeError(`tensordot: contracted axes must have equal sizes, got ${formatShape(sizes)} and ${formatShape(y.map(axis => b.shape[axis]))}`)
  const aOnly = a.shape.map((_, axis) => axis).filter(axis => !x.includes(axis))
  const bOnly = b.shape.map((_, axis) => axis).filter(axis => !y.includes(axis))
  const kept = [aOnly.map(axis => a.shape[axis]), bOnly.map(axis => b.shape[axis])]
  const rows = build.reshape(build.permute(a, [...aOnly, ...x]), [sizeOf(kept[0]), sizeOf(sizes)])
  const columns = build.reshape(build.permute(b, [...y, ...bOnly]), [sizeOf(sizes), sizeOf(kept[1])])
  return build.reshape(matmul(rows, columns), kept.flat())
}

/** Windows of `size` elements along an axis, `step` apart, in a new last axis. PyTorch's Tensor.unfold. */
export function unfold(node: Node, axis: number, size: number, step: number): Node {
  const d = normalizeAxis('unfold', axis, node.shape.length)
  if (!(size >= 1 && size <= node.shape[d] && step >= 1)) throw new ShapeError(`unfold: size must lie in [1, ${node.shape[d]}] and step be at least 1, got ${size} and ${step}`)
  const count = Math.floor((node.shape[d] - size) / step) + 1
  const windows = Array.from({ length: size }, (_, k) => {
    const view = build.slice(node, node.shape.map((_, i) => (i === d ? k : 0)), node.shape.map((n, i) => (i === d ? count : n)), node.shape.map((_, i) => (i === d ? step : 1)))
    return build.reshape(view, [...view.shape, 1])
  })
  return build.concat(windows, node.shape.length)
}

/** Cross-correlation of (B, Cin, T) with weights (Cout, Cin, K): (B, Cout, T′). Windows are laid out and multiplied in one matmul. */
export function conv1d(x: Node, weight: Node, { stride = 1, padding = 0, bias }: { stride?: number; padding?: number; bias?: Node | undefined } = {}): Node {
  sameDevice('conv1d', [x, weight])
  if (x.shape.length !== 3 || weight.shape.length !== 3 || x.shape[1] !== weight.shape[1]) throw new ShapeError(`conv1d: input (B, Cin, T) and weight (Cout, Cin, K) must agree in Cin, got ${formatShape(x.shape)} and ${formatShape(weight.shape)}`)
  const [B, Cin] = x.shape
  const [Cout, , K] = weight.shape
  const windows = unfold(build.pad(x, [0, 0, padding], [0, 0, padding]), 2, K, stride)    // (B, Cin, T′, K)
  const T = windows.shape[2]
  const rows = build.reshape(build.permute(windows, [0, 2, 1, 3]), [B, T, Cin * K])
  const y = build.permute(matmul(rows, build.permute(build.reshape(weight, [Cout, Cin * K]), [1, 0])), [0, 2, 1])   // (B, Cout, T′)
  return bias === undefined ? y : el.add(y, build.reshape(bias, [Cout, 1]))
}
