// Tensors from nothing: constants, ranges, and seeded random numbers (counter-based, equal on all devices).
import type { Device } from '../devices/device.js'
import type { Dtype } from '../dtype.js'
import { ShapeError } from '../errors.js'
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import { checkShape, rowMajorStrides, type Shape } from '../shape.js'
import { broadcastTo, requireFloat } from './operand.js'
import * as el from './elementwise.js'

export function full(shape: Shape, value: number, dtype: Dtype, device: Device): Node {
  checkShape('full', shape)
  return build.filled(value, shape, dtype, device)
}

/** start, start+step, … below `end`. */
export function arange(start: number, end: number, step: number, dtype: Dtype, device: Device): Node {
  const count = Math.ceil((end - start) / step)
  if (!(step !== 0 && Number.isFinite(count))) throw new ShapeError(`arange: the step must lead from start to end, got ${start}, ${end}, ${step}`)
  const index = build.cast(build.indexAlong(0, [Math.max(0, count)], device), dtype)
  return el.add(el.mul(index, build.constant(step, [], dtype, device)), build.constant(start, [], dtype, device))
}

export function linspace(start: number, end: number, count: number, device: Device): Node {
  checkShape('linspace', [count])
  const index = build.cast(build.indexAlong(0, [count], device), 'f32')
  return el.add(el.mul(index, count > 1 ? (end - start) / (count - 1) : 0), start)
}

export function eye(n: number, m: number, device: Device): Node {
  checkShape('eye', [n, m])
  return build.cast(el.eq(build.indexAlong(0, [n, m], device), build.indexAlong(1, [n, m], device)), 'f32')
}

/** A seed: a number fixed in the graph, or a u32 or i32 scalar tensor that may change from run to run. `stream` separates draws of one seed. */
export interface RandomOptions {
  seed: number | Node
  stream?: number
}

/** The position of each element in row-major order, as u32: the counter of its random bits. */
function counters(shape: Shape, device: Device): Node {
  const strides = rowMajorStrides(shape)
  return shape.reduce<Node>(
    (sum, _, axis) => build.elementwise('add', sum, build.elementwise('mul', build.cast(build.indexAlong(axis, shape, device), 'u32'), build.constant(strides[axis], shape, 'u32', device))),
    build.constant(0, shape, 'u32', device),
  )
}

/** 32 random bits an element. */
export function randomBits(shape: Shape, { seed, stream = 0 }: RandomOptions, device: Device): Node {
  checkShape('random', shape)
  if (typeof seed === 'number' && !(Number.isSafeInteger(seed) && seed >= 0)) throw new ShapeError(`random: the seed must be a non-negative safe integer, got ${seed}`)
  const low = typeof seed === 'number' ? build.constant(seed % 2 ** 32, [], 'u32', device) : build.reshape(build.cast(seed, 'u32'), [])
  const high = typeof seed === 'number' ? Math.floor(seed / 2 ** 32) : 0
  // The stream is mixed in as a key of its own, so that streams of one seed are as independent as seeds.
  const key = build.elementwise('threefry', low, build.constant(high, [], 'u32', device), build.constant(stream, [], 'u32', device))
  return build.elementwise('threefry', broadcastTo(key, shape), build.constant(stream ^ 0x5bd1e995, shape, 'u32', device), counters(shape, device))
}

/** Uniform in [0, 1): 24 random bits, so that every value is exact in f32. */
export function rand(shape: Shape, options: RandomOptions, device: Device): Node {
  const bits = build.elementwise('shiftRight', randomBits(shape, options, device), build.constant(8, shape, 'u32', device))
  return el.mul(build.cast(bits, 'f32'), 2 ** -24)
}

/** Standard normal by Box and Muller, from two uniforms an element. */
export function randn(shape: Shape, options: RandomOptions, device: Device): Node {
  const pair = rand([2, ...shape], options, device)
  const half = (i: number): Node => build.reshape(build.slice(pair, [i, ...shape.map(() => 0)], [1, ...shape], [1, ...shape.map(() => 1)]), shape)
  // 1 − u lies in (0, 1]: the logarithm is finite.
  return el.mul(el.sqrt(el.mul(el.log(el.sub(1, half(0))), -2)), el.cos(el.mul(half(1), 2 * Math.PI)))
}

/** Uniform integers in [low, high). */
export function randint(low: number, high: number, shape: Shape, options: RandomOptions, device: Device): Node {
  if (!(high > low)) throw new ShapeError(`randint: high must be above low, got ${low} and ${high}`)
  const bits = randomBits(shape, options, device)
  return el.add(build.cast(build.elementwise('mod', bits, build.constant(high - low, shape, 'u32', device)), 'i32'), low)
}

/** true with probability p. */
export const bernoulli = (p: number, shape: Shape, options: RandomOptions, device: Device): Node => el.lt(rand(shape, options, device), p)

/** Zeroes elements with probability p and scales the rest by 1/(1−p). JMLR 15:1929. */
export function dropout(x: Node, { p = 0.5, ...options }: RandomOptions & { p?: number }): Node {
  if (!(p >= 0 && p <= 1)) throw new ShapeError(`dropout: p must lie in [0, 1], got ${p}`)
  requireFloat('dropout', x)
  if (p === 0) return x
  const kept = el.ge(rand(x.shape, options, x.device), p)
  return el.where(kept, p === 1 ? 0 : el.mul(x, 1 / (1 - p)), 0)
}
