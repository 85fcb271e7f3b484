// The loop over the lane axis: groups of whole vectors first, then single vectors, then a tail of fewer than four lanes.
import type { Access } from '../../../plan/kernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { i32 } from '../emit/scalar.js'
import { lanesOf, type BodyCode, type Group } from './body.js'
import type { Pointers } from './pointers.js'

export interface LaneLoop {
  readonly f: FunctionBuilder
  readonly body: BodyCode
  readonly pointers: Pointers
  readonly axis: number
  /** Index of the current group's first lane. */
  readonly index: Local<'i32'>
  /** Vectors in the largest group. */
  readonly vectors: number
}

export interface LaneRange {
  /** Lanes still to do; counted down to 0. */
  readonly left: Local<'i32'>
  /** Upper bound of `left`, known now. */
  readonly most: number
  /** A count of lanes that is not a multiple of four can only leave this remainder. */
  readonly tail: number
  /** Accesses that are used inside and move along. */
  readonly moving: ReadonlySet<Access>
}

export function overLanes(loop: LaneLoop, { left, most, tail, moving }: LaneRange, body: (group: Group) => void): void {
  const { f, axis, index, pointers } = loop
  const step = (group: Group): void => {
    loop.body.within(() => body(group))
    const count = lanesOf(group)
    pointers.advance(axis, count, moving)
    f.set(index, i32.add(index, i32.const(count)))
    f.set(left, i32.sub(left, i32.const(count)))
  }
  for (const vectors of new Set([loop.vectors, 1]))
    if (most >= 4 * vectors)
      f.while(
        () => i32.geS(left, i32.const(4 * vectors)),
        () => step({ vectors, tail: 0 }),
      )
  if (tail > 0) f.if(i32.gtS(left, i32.const(0)), () => step({ vectors: 1, tail }))
}
