// An index node seen through movement: still an affine function of the iteration index, so that it is computed and never stored.
import { rowMajorStrides, type Shape } from '../shape.js'
import type { Walk } from './view.js'

/** constant + Σ factors[d] · index[d]. */
export interface IndexForm {
  readonly constant: number
  readonly factors: readonly number[]
}

/**
 * The coordinate along `axis` of a row-major tensor of shape `base`, read at a walk over `shape`. null where an axis of the walk runs across
 * a boundary of the coordinate (a reshape that merged it with others): then it is not affine.
 */
export function indexForm(axis: number, base: Shape, walk: Walk, shape: Shape): IndexForm | null {
  const unit = rowMajorStrides(base)[axis]
  const cycle = unit * base[axis]
  const factors = walk.strides.map(() => 0)
  for (let d = 0; d < shape.length; d++) {
    const stride = Math.abs(walk.strides[d])
    const reach = stride * Math.max(0, shape[d] - 1)
    if (reach === 0 || stride % cycle === 0) continue
    if (stride % unit === 0) {
      if (reach >= cycle) return null
      factors[d] = walk.strides[d] / unit
    } else if (reach >= unit) return null
  }
  // A pad's offset is negative: the coordinate is exact only inside the guard, where the whole address is in range.
  const start = walk.guards.reduce((offset, guard) => offset + guard.from * walk.strides[guard.axis], walk.offset)
  const shift = walk.guards.reduce((sum, guard) => sum + guard.from * factors[guard.axis], 0)
  return { constant: (Math.floor(start / unit) % base[axis]) - shift, factors }
}
