// For every value: whose memory its elements lie in, and how. Movement operations become walks; where a walk cannot say it, or a kernel cannot
// take it, the value gets memory of its own and is copied there.
import { rowMajorStrides, sizeOf, type Shape } from '../shape.js'
import { indexForm } from './index-form.js'
import type { Value } from './value.js'
import { expandWalk, padWalk, permuteWalk, reshapeWalk, settleGuards, sliceWalk, type Walk } from './view.js'

export interface Location {
  readonly base: Value
  readonly walk: Walk
}

/** What a copy reads: a walk over `shape` whose row-major order is that of the copied value. */
export interface Source extends Location {
  readonly shape: Shape
}

export class Locations {
  readonly #of = new Map<Value, Location>()
  /** Values that have memory of their own, filled in row-major order from where they were found. */
  readonly copied = new Map<Value, Source>()
  /** How each base that is not row-major lies in its memory. */
  readonly #layout = new Map<Value, readonly number[]>()

  constructor(values: readonly Value[]) {
    for (const value of values) {
      this.#of.set(value, this.#locate(value))
      for (const input of plainInputs(value)) this.#ensurePlain(input)
      if (value.operation.kind === 'categorical') this.#ensureDense(value.inputs[0])
      if (value.operation.kind === 'custom') for (const input of value.inputs) this.#ensureDense(input)
      if (value.operation.kind === 'scatterAdd') for (const input of value.inputs) this.#ensureFoldable(input, value.operation.axis)
    }
  }

  of(value: Value): Location {
    const location = this.#of.get(value)
    if (location === undefined) throw new Error('plan: every value must have a location')
    return location
  }

  /** Strides over the base's own shape. */
  layout(base: Value): readonly number[] {
    return this.#layout.get(base) ?? rowMajorStrides(base.shape)
  }

  #locate(value: Value): Location {
    if (isMovement(value)) return this.#move(value)
    if (value.operation.kind === 'part') this.#layout.set(value, layoutForUsers(value))
    return this.#ownMemory(value)
  }

  #ownMemory(base: Value): Location {
    return { base, walk: { offset: 0, strides: this.layout(base), guards: [] } }
  }

  #move(value: Value): Location {
    const { operation, shape } = value
    const [input] = value.inputs
    const { base, walk } = this.of(input)
    const unsettled = moveWalk(operation, walk, input.shape, shape)
    const moved = unsettled === null ? null : settleGuards(unsettled, shape)
    const lost = moved !== null && base.operation.kind === 'index' && base.external === null && indexForm(base.operation.axis, base.shape, moved, shape) === null
    if (moved !== null && !lost) return { base, walk: moved }
    // Only a reshape keeps the order of elements; before anything else the input itself is copied out, and then strides can say it.
    if (operation.kind === 'reshape') return this.#copy(value, { base, walk, shape: input.shape })
    this.#copy(input, { base, walk, shape: input.shape })
    return this.#move(value)
  }

  #copy(value: Value, source: Source): Location {
    const location = this.#ownMemory(value)
    this.copied.set(value, source)
    this.#of.set(value, location)
    return location
  }

  /** Contractions and the like read plain strides: guarded walks are copied out first. */
  #ensurePlain(value: Value): void {
    const { base, walk } = this.of(value)
    if (walk.guards.length === 0 && (base.external !== null || !isInlineKind(base))) return
    this.#copy(value, { base, walk, shape: value.shape })
  }

  #ensureDense(value: Value): void {
    const { base, walk } = this.of(value)
    const wanted = rowMajorStrides(value.shape)
    const plain = walk.guards.length === 0 && (base.external !== null || this.copied.has(base) || !isInlineKind(base))
    if (plain && walk.strides.every((stride, axis) => value.shape[axis] <= 1 || stride === wanted[axis])) return
    this.#copy(value, { base, walk, shape: value.shape })
  }

  /** scatterAdd takes three dimensions: before the axis, along it, after it. */
  #ensureFoldable(value: Value, axis: number): void {
    const { base, walk } = this.of(value)
    if (base === value || reshapeWalk(walk, value.shape, foldAround(value.shape, axis)) !== null) return
    this.#copy(value, { base, walk, shape: value.shape })
  }
}

/** A shape as (before, along, after) an axis. */
export const foldAround = (shape: Shape, axis: number): [number, number, number] => [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))]

/** Constants and indices have no memory unless a kernel insists. */
const isInlineKind = (value: Value): boolean => value.operation.kind === 'constant' || value.operation.kind === 'index'

const movements: readonly string[] = ['reshape', 'permute', 'expand', 'slice', 'pad']
export const isMovement = (value: Value): boolean => movements.includes(value.operation.kind)

/** A walk over a value as one over what a movement makes of it; null where strides cannot say it. */
export function moveWalk(operation: Value['operation'], walk: Walk, from: Shape, to: Shape): Walk | null {
  switch (operation.kind) {
    case 'reshape':
      return reshapeWalk(walk, from, to)
    case 'permute':
      return permuteWalk(walk, operation.order)
    case 'expand':
      return expandWalk(walk, from, to)
    case 'slice':
      return sliceWalk(walk, operation.starts, operation.steps)
    case 'pad':
      return padWalk(walk, operation.before, operation.after, from)
    default:
      return null
  }
}

/** Inputs that a kernel reads by strides alone. */
function plainInputs(value: Value): readonly Value[] {
  const { kind } = value.operation
  if (kind === 'matmul' || kind === 'attention' || kind === 'attentionBackward' || kind === 'scatterAdd' || kind === 'categorical') return value.inputs
  return kind === 'gather' ? [value.inputs[0]] : []
}

/** An attention output that is next permuted (heads back beside head size) is laid out so that the permuted form is dense. */
function layoutForUsers(value: Value): readonly number[] {
  const order = value.users.flatMap(user => (user.operation.kind === 'permute' ? [user.operation.order] : []))[0]
  if (order === undefined) return rowMajorStrides(value.shape)
  const permuted = rowMajorStrides(order.map(axis => value.shape[axis]))
  return value.shape.map((_, axis) => permuted[order.indexOf(axis)])
}
