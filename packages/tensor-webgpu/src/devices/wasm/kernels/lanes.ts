// Loads and stores of up to four neighbours along the lane axis: contiguous, broadcast or strided, whole vectors or a tail of 1 to 3.
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { i32 } from '../emit/scalar.js'
import { v128 } from '../emit/simd.js'
import type { I32, V128 } from '../emit/value.js'

/** Where lanes lie: byte offsets below 0 and pointers that may stand outside memory cannot use the instruction's own offset. */
const at = (pointer: Local<'i32'>, bytes: number, wild: boolean): readonly [I32, number] =>
  bytes >= 0 && !wild ? [pointer, bytes] : [i32.add(pointer, i32.const(bytes)), 0]

export interface LaneAccess {
  readonly pointer: Local<'i32'>
  /** In elements, from one lane to the next. */
  readonly stride: number
  /** Lanes between the pointer and the first lane. */
  readonly first: number
  /** Lanes that exist, 1 to 4. */
  readonly count: number
  readonly wild: boolean
}

export function loadLanes({ pointer, stride, first, count, wild }: LaneAccess): V128 {
  const lane = (i: number): readonly [I32, number] => at(pointer, (first + i) * stride * 4, wild)
  if (stride === 0) return v128.load32Splat(...lane(0))
  if (stride === 1 && count === 4) return v128.load(...lane(0))
  const pair = stride === 1 && count >= 2
  let value = pair ? v128.load64Zero(...lane(0)) : v128.load32Zero(...lane(0))
  for (let i = pair ? 2 : 1; i < count; i++) {
    const [address, offset] = lane(i)
    value = v128.load32Lane(address, value, i, offset)
  }
  return value
}

export function storeLanes(f: FunctionBuilder, { pointer, stride, first, count }: LaneAccess, value: Local<'v128'>): void {
  const lane = (i: number): readonly [I32, number] => at(pointer, (first + i) * stride * 4, false)
  if (stride === 1 && count === 4) {
    const [address, offset] = lane(0)
    f.do(v128.store(address, value, offset))
    return
  }
  for (let i = 0; i < (stride === 0 ? 1 : count); i++) {
    const [address, offset] = lane(i)
    f.do(v128.store32Lane(address, value, i, offset))
  }
}
