// Arithmetic of shapes: sizes, strides, axes, broadcasting. Nothing here knows tensors or devices.
import { ShapeError } from './errors.js'

export type Shape = readonly number[]

export const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1)

export const formatShape = (shape: Shape): string => `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i])

/** Row-major strides in elements: the last axis has stride 1. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]
  }
  return strides
}

/** Turns a possibly negative axis into `0 … rank-1`. */
export function normalizeAxis(where: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new ShapeError(`${where}: axis must be an integer in [${-rank}, ${rank - 1}] for rank ${rank}, got ${axis}`)
  return axis < 0 ? axis + rank : axis
}

/** Normalised, ascending, distinct axes; `undefined` means all of them. */
export function normalizeAxes(where: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis)
  const list = (typeof axes === 'number' ? [axes] : [...axes]).map(axis => normalizeAxis(where, axis, rank))
  if (new Set(list).size !== list.length)
    throw new ShapeError(`${where}: axes must be distinct, got [${typeof axes === 'number' ? axes : axes.join(', ')}]`)
  return list.sort((a, b) => a - b)
}

/** The common shape of operands by NumPy's rules: aligned at the right, sizes equal or 1. */
export function broadcastShapes(where: string, ...shapes: Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map(shape => shape.length))
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1
    for (const shape of shapes) {
      const n = axis - (rank - shape.length) < 0 ? 1 : shape[axis - (rank - shape.length)]
      if (n === 1 || n === size) continue
      if (size !== 1)
        throw new ShapeError(`${where}: shapes must broadcast, got ${shapes.map(formatShape).join(' and ')} (axis ${axis - rank}); sizes must be equal or 1`)
      size = n
    }
    return size
  })
}

/** Checks a shape given by a user: non-negative safe integers. */
export function checkShape(where: string, shape: Shape): void {
  if (shape.some(n => !Number.isSafeInteger(n) || n < 0))
    throw new ShapeError(`${where}: sizes must be non-negative integers, got ${formatShape(shape)}`)
}
