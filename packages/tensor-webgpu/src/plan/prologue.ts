// Which operands a matmul may compute as it reads them, and whether that is worth while. Their kernels are written by emit-prologue.ts.
import { isFloat } from '../dtype.js'
import { sizeOf } from '../shape.js'
import { isInline } from './cluster.js'
import { isMovement, moveWalk, type Locations } from './locate.js'
import type { PlanLimits } from './plan.js'
import { isTiled, type Value } from './value.js'
import type { Walk } from './view.js'

/** The walk over an operand that a walk over the value it shows becomes; null where strides cannot say it. */
export function seenThrough(operand: Value, value: Value, walk: Walk): Walk | null {
  if (operand === value) return walk
  const [input] = operand.inputs
  if (!isMovement(operand) || operand.operation.kind === 'pad') return null
  const before = seenThrough(input, value, walk)
  return before === null ? null : moveWalk(operand.operation, before, input.shape, operand.shape)
}

/** A walk over a shape, with no step along axes of size 1. */
export const still = (walk: Walk, shape: readonly number[]): Walk => ({ ...walk, strides: walk.strides.map((stride, d) => (shape[d] === 1 ? 0 : stride)) })

/**
 * May the matmul compute `value`, which its operand shows, from what `isComputed` leaves in memory? Elementwise in floats, and every load, of which
 * there must be one, a walk of strides over the operand.
 */
export function canBePrologue(matmul: Value, operand: Value, value: Value, locations: Locations, isComputed: (base: Value) => boolean): boolean {
  if (!isTiled(matmul)) return false
  let loads = 0
  const met = new Set<Value>()
  const isFine = (part: Value): boolean => {
    if (met.has(part)) return true
    met.add(part)
    return isFloat(part.dtype) && (part.operation.kind === 'elementwise' || part.operation.kind === 'cast') && part.inputs.every(input => isLoadable(input))
  }
  const isLoadable = (input: Value): boolean => {
    const { base, walk } = locations.of(input)
    if (isInline(base) && !locations.copied.has(base)) return base.operation.kind === 'constant'
    if (isComputed(base)) return isFine(base)
    loads++
    return walk.guards.length === 0 && isFloat(base.dtype) && seenThrough(operand, value, still(walk, input.shape)) !== null
  }
  return isFine(value) && loads > 0
}

/** Functions that take several times an addition, but less than moving the result to memory and back. */
export const activations: ReadonlySet<string> = new Set(['geluTanh', 'geluTanhDerivative', 'sigmoid', 'tanh', 'exp', 'log'])
const slow: ReadonlySet<string> = new Set(['div', 'sqrt', 'rsqrt'])

/** The share of a product's time that computing an operand may take. */
const MOST_SHARE = 1 / 8

/**
 * Is computing an element of the operand `which`, for every tile anew, little beside the multiplications it takes part in? Operations are counted
 * as those of the contraction are; loads of vectors beside the operand itself as one each.
 */
export function isLittleWork(matmul: Value, which: 0 | 1, value: Value, locations: Locations, { isComputed, limits: { tileWidth, activationCost } }: { isComputed: (base: Value) => boolean; limits: PlanLimits }): boolean {
  const met = new Set<Value>()
  const cost = (of: Value): number => {
    if (met.has(of)) return 0
    met.add(of)
    const own = of.operation.kind !== 'elementwise' ? 0 : activations.has(of.operation.fn) ? activationCost : slow.has(of.operation.fn) ? 4 : 1
    const loads = of.inputs.map(input => {
      const { base } = locations.of(input)
      if (isInline(base) && !locations.copied.has(base)) return 0
      if (isComputed(base)) return cost(base)
      const isNew = !met.has(base)
      met.add(base)
      return isNew && sizeOf(base.shape) * 2 <= sizeOf(value.shape) ? 1 : 0
    })
    return loads.reduce((sum, load) => sum + load, own)
  }
  const others = matmul.shape[matmul.shape.length - 1 - which]
  return cost(value) * Math.ceil(others / tileWidth) <= 2 * others * MOST_SHARE
}
