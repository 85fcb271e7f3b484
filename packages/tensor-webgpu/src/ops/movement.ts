// Verbs that only say where elements lie: reshape, transpose, slice, pad, join, split. They compute nothing; plans turn them into strides.
import { ShapeError } from '../errors.js'
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import { broadcastShapes, checkShape, formatShape, normalizeAxes, normalizeAxis, sizeOf, type Shape } from '../shape.js'
import { promote } from '../dtype.js'
import { broadcastTo, sameDevice, scalarLike } from './operand.js'
import * as el from './elementwise.js'

const ones = (n: number): number[] => new Array<number>(n).fill(1)
const zeros = (n: number): number[] => new Array<number>(n).fill(0)

/** One size may be -1: what remains. */
export function reshape(node: Node, shape: Shape): Node {
  const known = sizeOf(shape.filter(n => n !== -1))
  const unknown = shape.filter(n => n === -1).length
  const size = sizeOf(node.shape)
  const full = shape.map(n => (n === -1 ? (known === 0 ? 0 : size / known) : n))
  if (unknown > 1 || sizeOf(full) !== size || full.some(n => !Number.isInteger(n) || n < 0))
    throw new ShapeError(`reshape: sizes must multiply to ${size}, got ${formatShape(shape)} from ${formatShape(node.shape)}`)
  return build.reshape(node, full)
}

export function flatten(node: Node, startAxis = 0, endAxis = -1): Node {
  if (node.shape.length === 0) return build.reshape(node, [1])
  const from = normalizeAxis('flatten', startAxis, node.shape.length)
  const to = normalizeAxis('flatten', endAxis, node.shape.length)
  return build.reshape(node, [...node.shape.slice(0, from), sizeOf(node.shape.slice(from, to + 1)), ...node.shape.slice(to + 1)])
}

/** Drops axes of size 1: the given ones, or all. */
export function squeeze(node: Node, axis?: number | readonly number[]): Node {
  const axes = normalizeAxes('squeeze', axis, node.shape.length)
  return build.reshape(node, node.shape.filter((n, d) => n !== 1 || !axes.includes(d)))
}

export function unsqueeze(node: Node, axis: number): Node {
  const d = normalizeAxis('unsqueeze', axis, node.shape.length + 1)
  return build.reshape(node, [...node.shape.slice(0, d), 1, ...node.shape.slice(d)])
}

export function permute(node: Node, order: readonly number[]): Node {
  const axes = order.map(axis => normalizeAxis('permute', axis, node.shape.length))
  if (axes.length !== node.shape.length || new Set(axes).size !== axes.length)
    throw new ShapeError(`permute: order must name each of the ${node.shape.length} axes once, got [${order.join(', ')}]`)
  return build.permute(node, axes)
}

/** Swaps two axes, the last two by default. */
export function transpose(node: Node, axis0 = -2, axis1 = -1): Node {
  const a = normalizeAxis('transpose', axis0, node.shape.length)
  const b = normalizeAxis('transpose', axis1, node.shape.length)
  return build.permute(node, node.shape.map((_, d) => (d === a ? b : d === b ? a : d)))
}

/** Repeats axes of size 1 (and adds leading axes); -1 keeps a size. */
export function expand(node: Node, shape: Shape): Node {
  const lead = shape.length - node.shape.length
  const full = shape.map((n, d) => (n === -1 && d >= lead ? node.shape[d - lead] : n))
  checkShape('expand', full)
  const common = broadcastShapes('expand', node.shape, full)
  if (formatShape(common) !== formatShape(full)) throw new ShapeError(`expand: only axes of size 1 can grow, got ${formatShape(node.shape)} to ${formatShape(shape)}`)
  return broadcastTo(node, full)
}

/** A range along one axis: from `start` up to but not including `end`, every `step`-th. Negative numbers count from the end. */
export interface Range {
  start?: number | undefined
  end?: number | undefined
  step?: number | undefined
}

/** One entry per leading axis: a Range, an integer (drops the axis), or null (everything). Python's slicing, negative steps included. */
export function slice(node: Node, ranges: readonly (Range | number | null)[]): Node {
  if (ranges.length > node.shape.length) throw new ShapeError(`slice: at most ${node.shape.length} ranges for shape ${formatShape(node.shape)}, got ${ranges.length}`)
  const picks = node.shape.map((n, d) => resolveRange(ranges[d] ?? null, n, d))
  const view = build.slice(node, picks.map(p => p.start), picks.map(p => p.count), picks.map(p => p.step))
  return build.reshape(view, picks.flatMap((pick, d) => (typeof ranges[d] === 'number' ? [] : [pick.count])))
}

function resolveRange(range: Range | number | null, n: number, axis: number): { start: number; count: number; step: number } {
  if (range === null) return { start: 0, count: n, step: 1 }
  if (typeof range === 'number') {
    if (!Number.isInteger(range) || range < -n || range >= n) throw new ShapeError(`slice: index along axis ${axis} must be an integer in [${-n}, ${n - 1}], got ${range}`)
    return { start: range < 0 ? range + n : range, count: 1, step: 1 }
  }
  const step = range.step ?? 1
  if (!Number.isInteger(step) || step === 0) throw new ShapeError(`slice: step must be a non-zero integer, got ${step}`)
  const [low, high] = step > 0 ? [0, n] : [-1, n - 1]
  const resolve = (value: number | undefined, otherwise: number): number => (value === undefined ? otherwise : Math.min(Math.max(value < 0 ? value + n : value, low), high))
  const start = resolve(range.start, step > 0 ? 0 : n - 1)
  const end = resolve(range.end, step > 0 ? n : -1)
  return { start, count: Math.max(0, Math.ceil((end - start) / step)), step }
}

/** Elements `start … start+length-1` of one axis; PyTorch's narrow. */
export function narrow(node: Node, axis: number, start: number, length: number): Node {
  const d = normalizeAxis('narrow', axis, node.shape.length)
  if (start < 0 || length < 0 || start + length > node.shape[d]) throw new ShapeError(`narrow: range must lie in axis ${axis} of size ${node.shape[d]}, got ${start} to ${start + length}`)
  return build.slice(node, node.shape.map((_, i) => (i === d ? start : 0)), node.shape.map((n, i) => (i === d ? length : n)), ones(node.shape.length))
}

export function flip(node: Node, axes?: number | readonly number[]): Node {
  const flipped = normalizeAxes('flip', axes, node.shape.length)
  return build.slice(node, node.shape.map((n, d) => (flipped.includes(d) ? n - 1 : 0)), node.shape, node.shape.map((_, d) => (flipped.includes(d) ? -1 : 1)))
}

/** Widths per axis as [before, after]; axes are counted from the first. */
export function pad(node: Node, widths: readonly (readonly [number, number])[], { value = 0 }: { value?: number } = {}): Node {
  const before = node.shape.map((_, d) => widths[d]?.[0] ?? 0)
  const after = node.shape.map((_, d) => widths[d]?.[1] ?? 0)
  checkShape('pad', [...before, ...after])
  const padded = build.pad(node, before, after)
  if (value === 0) return padded
  const inside = build.pad(build.constant(1, node.shape, 'bool', node.device), before, after)
  return el.where(inside, padded, scalarLike('pad', value, node))
}

export function concat(nodes: readonly Node[], axis = 0): Node {
  if (nodes.length === 0) throw new ShapeError('concat: at least one tensor must be given, got none')
  sameDevice('concat', nodes)
  const d = normalizeAxis('concat', axis, nodes[0].shape.length)
  for (const node of nodes)
    if (node.shape.length !== nodes[0].shape.length || node.shape.some((n, i) => i !== d && n !== nodes[0].shape[i]))
      throw new ShapeError(`concat: shapes must agree except along axis ${axis}, got ${formatShape(nodes[0].shape)} and ${formatShape(node.shape)}`)
  const dtype = nodes.map(node => node.dtype).reduce(promote)
  return build.concat(nodes.map(node => build.cast(node, dtype)), d)
}

export function stack(nodes: readonly Node[], axis = 0): Node {
  return concat(nodes.map(node => unsqueeze(node, axis)), axis)
}

/** Pieces of `size` elements (the last may be smaller), or of the listed sizes. */
export function split(node: Node, sizes: number | readonly number[], axis = 0): Node[] {
  const d = normalizeAxis('split', axis, node.shape.length)
  const n = node.shape[d]
  const list = typeof sizes === 'number' ? Array.from({ length: Math.ceil(n / sizes) }, (_, i) => Math.min(sizes, n - i * sizes)) : sizes
  if (list.reduce((sum, size) => sum + size, 0) !== n) throw new ShapeError(`split: sizes must add up to ${n} along axis ${axis}, got [${list.join(', ')}]`)
  let start = 0
  return list.map(size => {
    start += size
    return narrow(node, d, start - size, size)
  })
}

export const chunk = (node: Node, chunks: number, axis = 0): Node[] => split(node, Math.ceil(node.shape[normalizeAxis('chunk', axis, node.shape.length)] / chunks), axis)

/** Elements shifted by `shift` places along an axis, those that fall off coming back at the other end. */
export function roll(node: Node, shift: number, axis: number): Node {
  const d = normalizeAxis('roll', axis, node.shape.length)
  const n = node.shape[d]
  const k = n === 0 ? 0 : ((shift % n) + n) % n
  return k === 0 ? node : build.concat([narrow(node, d, n - k, k), narrow(node, d, 0, n - k)], d)
}

/** The whole tensor repeated along each axis; PyTorch's `repeat`. */
export function repeat(node: Node, times: readonly number[]): Node {
  checkShape('repeat', times)
  if (times.length < node.shape.length) throw new ShapeError(`repeat: at least ${node.shape.length} counts are needed for ${formatShape(node.shape)}, got ${times.length}`)
  const shape = [...ones(times.length - node.shape.length), ...node.shape]
  const interleaved = build.reshape(node, shape.flatMap(n => [1, n]))
  return build.reshape(build.expand(interleaved, shape.flatMap((n, d) => [times[d], n])), shape.map((n, d) => n * times[d]))
}

function triangle(node: Node, diagonal: number, keep: 'lower' | 'upper'): Node {
  const rank = node.shape.length
  if (rank < 2) throw new ShapeError(`${keep === 'lower' ? 'tril' : 'triu'}: at least two axes are needed, got ${formatShape(node.shape)}`)
  const row = el.add(build.indexAlong(rank - 2, node.shape, node.device), diagonal)
  const column = build.indexAlong(rank - 1, node.shape, node.device)
  const inside = keep === 'lower' ? el.le(column, row) : el.le(row, column)
  return el.where(inside, node, build.constant(0, node.shape, node.dtype, node.device))
}

export const tril = (node: Node, diagonal = 0): Node => triangle(node, diagonal, 'lower')
export const triu = (node: Node, diagonal = 0): Node => triangle(node, diagonal, 'upper')

/** The main diagonal of the last two axes. */
export function diagonal(node: Node): Node {
  const rank = node.shape.length
  const [rows, columns] = node.shape.slice(-2)
  if (rank < 2) throw new ShapeError(`diagonal: at least two axes are needed, got ${formatShape(node.shape)}`)
  const n = Math.min(rows, columns)
  const lead = node.shape.slice(0, -2)
  const square = build.slice(node, zeros(rank), [...lead, n, n], ones(rank))
  // Row-major (n, n), padded at the end to n·(n+1): every (n+1)-th element is the diagonal.
  const flat = build.pad(build.reshape(square, [...lead, n * n]), zeros(rank - 1), [...zeros(rank - 2), n])
  return build.reshape(build.slice(build.reshape(flat, [...lead, n, n + 1]), zeros(rank), [...lead, n, 1], ones(rank)), [...lead, n])
}
