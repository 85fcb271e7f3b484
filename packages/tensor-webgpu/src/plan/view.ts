// Where the elements of a value lie in the memory of another: an affine map, carried through movement operations. Pure arithmetic of strides.
import { rowMajorStrides, sizeOf, type Shape } from '../shape.js'

export interface Guard {
  readonly axis: number
  readonly from: number
  readonly to: number
}

/** Element index ↦ offset + Σ index·strides in the base's memory; outside a guard the value is 0. */
export interface Walk {
  readonly offset: number
  readonly strides: readonly number[]
  readonly guards: readonly Guard[]
}

export const dense = (shape: Shape): Walk => ({ offset: 0, strides: rowMajorStrides(shape), guards: [] })

export function permuteWalk(walk: Walk, order: readonly number[]): Walk {
  return { offset: walk.offset, strides: order.map(axis => walk.strides[axis]), guards: walk.guards.map(guard => ({ ...guard, axis: order.indexOf(guard.axis) })) }
}

/**
 * A guard on an axis of size 1 is decided: gone where it holds, empty where it does not. Left as a range it would be asked of whatever index
 * stands there when the value is read many times.
 */
export function settleGuards(walk: Walk, shape: Shape): Walk {
  if (walk.guards.every(({ axis }) => shape[axis] !== 1)) return walk
  return { ...walk, guards: walk.guards.flatMap(guard => (shape[guard.axis] !== 1 ? guard : guard.from <= 0 && guard.to > 0 ? [] : { axis: guard.axis, from: 0, to: 0 })) }
}

/** A guard on an axis that grows holds everywhere or nowhere: what it says of the only element there was. */
export function expandWalk(walk: Walk, from: Shape, to: Shape): Walk {
  const guards = walk.guards.flatMap(guard => {
    if (from[guard.axis] === to[guard.axis]) return guard
    return guard.from <= 0 && guard.to > 0 ? [] : { axis: guard.axis, from: 0, to: 0 }
  })
  return { ...walk, strides: walk.strides.map((stride, axis) => (from[axis] === 1 && to[axis] !== 1 ? 0 : stride)), guards }
}

/** null where a guarded axis is taken in steps: the guard would no longer be a range. */
export function sliceWalk(walk: Walk, starts: readonly number[], steps: readonly number[]): Walk | null {
  if (walk.guards.some(guard => steps[guard.axis] !== 1)) return null
  return {
    offset: starts.reduce((offset, start, axis) => offset + start * walk.strides[axis], walk.offset),
    strides: walk.strides.map((stride, axis) => stride * steps[axis]),
    guards: walk.guards.map(({ axis, from, to }) => ({ axis, from: from - starts[axis], to: to - starts[axis] })),
  }
}

export function padWalk(walk: Walk, before: readonly number[], after: readonly number[], inner: Shape): Walk {
  const moved = walk.guards.map(({ axis, from, to }) => ({ axis, from: from + before[axis], to: to + before[axis] }))
  const added = inner.flatMap((n, axis) => (before[axis] > 0 || after[axis] > 0 ? [{ axis, from: before[axis], to: before[axis] + n }] : []))
  return { offset: before.reduce((offset, n, axis) => offset - n * walk.strides[axis], walk.offset), strides: walk.strides, guards: [...moved, ...added] }
}

/** The same elements under another shape, if strides can say it without moving anything; else null. */
export function reshapeWalk(walk: Walk, from: Shape, to: Shape): Walk | null {
  if (sizeOf(from) === 0) return { offset: 0, strides: to.map(() => 0), guards: [] }
  const strides = to.map(() => 0)
  const guards: Guard[] = []
  for (const [olds, news] of matchAxes(from, to)) {
    const guarded = walk.guards.filter(guard => olds.includes(guard.axis))
    if (guarded.length > 0 && (olds.length !== 1 || news.length !== 1)) return null
    for (let i = 0; i + 1 < olds.length; i++) if (walk.strides[olds[i]] !== walk.strides[olds[i + 1]] * from[olds[i + 1]]) return null
    let stride = walk.strides[olds[olds.length - 1]]
    for (const axis of [...news].reverse()) {
      strides[axis] = stride
      stride *= to[axis]
    }
    guards.push(...guarded.map(guard => ({ ...guard, axis: news[0] })))
  }
  if (walk.guards.length !== guards.length) return null
  return { offset: walk.offset, strides, guards }
}

/** Pairs of runs of axes (those of size 1 left out) that hold the same elements: the finest such partition. */
function matchAxes(from: Shape, to: Shape): [number[], number[]][] {
  const olds = from.flatMap((n, axis) => (n === 1 ? [] : [axis]))
  const news = to.flatMap((n, axis) => (n === 1 ? [] : [axis]))
  const groups: [number[], number[]][] = []
  let i = 0
  let j = 0
  while (i < olds.length) {
    const group: [number[], number[]] = [[olds[i]], [news[j]]]
    let left = from[olds[i++]]
    let right = to[news[j++]]
    while (left !== right) {
      if (left < right) {
        group[0].push(olds[i])
        left *= from[olds[i++]]
      } else {
        group[1].push(news[j])
        right *= to[news[j++]]
      }
    }
    groups.push(group)
  }
  return groups
}

/** The same places under another numbering of the iteration: axis i of the result is `axes[i]` of the walk, or absent (stride 0) where null. */
export function alongAxes(walk: Walk, axes: readonly (number | null)[]): Walk {
  return {
    offset: walk.offset,
    strides: axes.map(axis => (axis === null ? 0 : walk.strides[axis])),
    guards: walk.guards.map(guard => ({ ...guard, axis: axes.indexOf(guard.axis) })),
  }
}

/** Lowest and highest element a walk over `shape` can touch, guards aside. */
export function extent({ offset, strides }: Walk, shape: Shape): [number, number] {
  let low = offset
  let high = offset
  strides.forEach((stride, axis) => {
    const reach = stride * Math.max(0, shape[axis] - 1)
    if (reach < 0) low += reach
    else high += reach
  })
  return [low, high]
}
