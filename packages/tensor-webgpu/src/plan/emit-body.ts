// Turns the members of a cluster into instructions: what is a member is computed, what is inline is written out, the rest is loaded.
import type { Cluster } from './cluster.js'
import type { DraftInstruction, Touch } from './draft.js'
import { indexForm } from './index-form.js'
import type { Location, Locations } from './locate.js'
import type { Memory } from './memory.js'
import type { Value } from './value.js'
import { alongAxes, type Guard, type Walk } from './view.js'

/** `axes[d]` is the axis of the cluster's shape that iteration dimension d runs along. */
export class BodyBuilder {
  readonly body: DraftInstruction[] = []
  readonly #cluster: Cluster
  readonly #axes: readonly number[]
  readonly #locations: Locations
  readonly #memory: Memory
  readonly #done = new Map<Value, number>()
  readonly #loads = new Map<string, number>()

  constructor(cluster: Cluster, axes: readonly number[], locations: Locations, memory: Memory) {
    this.#cluster = cluster
    this.#axes = axes
    this.#locations = locations
    this.#memory = memory
  }

  get shape(): number[] {
    return this.#axes.map(axis => this.#cluster.shape[axis])
  }

  #push(instruction: DraftInstruction): number {
    return this.body.push(instruction) - 1
  }

  /** The operations computed so far in the order of the program: 'matmul add gelu'. For people. */
  get label(): string {
    return labelOf([...this.#done.keys()])
  }

  /** The instruction that computes a member of the cluster. */
  member(value: Value): number {
    const known = this.#done.get(value)
    if (known !== undefined) return known
    const at = this.#push(this.#compute(value))
    this.#done.set(value, at)
    return at
  }

  #compute(value: Value): DraftInstruction {
    const { operation, dtype } = value
    const copy = this.#locations.copied.get(value)
    if (copy !== undefined) return { fn: 'cast', args: [this.#at(copy, copy.shape)], dtype }
    switch (operation.kind) {
      case 'elementwise':
        return { fn: operation.fn, args: value.inputs.map(input => this.operand(input)), dtype }
      case 'cast':
      case 'bitcast':
        return { fn: operation.kind, args: [this.operand(value.inputs[0])], dtype }
      case 'reduce':
        return { fn: 'reduce', reduce: operation.fn, args: [this.operand(value.inputs[0])], dtype }
      case 'matmul':
        return { fn: 'head', dtype }
      case 'gather':
        return this.#gather(value, operation.axis)
      default:
        throw new Error(`plan: ${operation.kind} cannot be computed inside a loop`)
    }
  }

  #gather(value: Value, axis: number): DraftInstruction {
    const [table, index] = value.inputs
    const { base, walk } = this.#locations.of(table)
    const row = this.operand(index)
    const fixed = { ...walk, strides: walk.strides.map((stride, d) => (d === axis ? 0 : stride)) }
    const iterated = this.#iterate(fixed, value.shape)
    // The touch must reach every row the index may name.
    const shape = [...this.shape, table.shape[axis]]
    const touch: Touch = { slot: this.#memory.homeOf(base), walk: { ...iterated, strides: [...iterated.strides, walk.strides[axis]] }, shape, written: false }
    return { fn: 'gather', touch, args: [row], stride: walk.strides[axis], size: table.shape[axis], dtype: value.dtype }
  }

  /** An input at the current index. */
  operand(input: Value): number {
    return this.#at(this.#locations.of(input), input.shape)
  }

  #at({ base, walk }: Location, shape: readonly number[]): number {
    const iterated = this.#iterate(walk, shape)
    const inline = base.external === null && (!this.#locations.copied.has(base) || this.#cluster.members.has(base))
    if (inline && base.operation.kind === 'constant') return this.#guarded(this.#constant(base.operation.value, base.dtype), iterated, base.dtype)
    if (inline && base.operation.kind === 'index') return this.#guarded(this.#index(base, base.operation.axis, iterated), iterated, base.dtype)
    if (this.#cluster.members.has(base) || this.#memory.computedAgain.has(base)) return this.member(base)
    return this.#load(base, iterated)
  }

  #load(base: Value, walk: Walk): number {
    const place = this.#memory.locate(base, walk)
    const key = JSON.stringify(place)
    const known = this.#loads.get(key)
    if (known !== undefined) return known
    const at = this.#push({ fn: 'load', touch: { ...place, shape: this.shape, written: false }, dtype: base.dtype })
    this.#loads.set(key, at)
    return at
  }

  /** A walk over a value's axes as a walk over the iteration; axes of size 1 do not move. */
  #iterate(walk: Walk, shape: readonly number[]): Walk {
    const still = { ...walk, strides: walk.strides.map((stride, d) => (shape[d] === 1 ? 0 : stride)) }
    return alongAxes(still, this.#axes)
  }

  storeWalk(walk: Walk, shape: readonly number[]): Walk {
    return this.#iterate(walk, shape)
  }

  #constant(value: number, dtype: Value['dtype']): number {
    const key = `constant ${Object.is(value, -0) ? '-0' : value} ${dtype}`
    const known = this.#loads.get(key)
    if (known !== undefined) return known
    const at = this.#push({ fn: 'constant', value, dtype })
    this.#loads.set(key, at)
    return at
  }

  #index(base: Value, axis: number, walk: Walk): number {
    const form = indexForm(axis, base.shape, walk, this.shape)
    if (form === null) throw new Error('plan: an index that is not affine must have been copied')
    let sum = -1
    form.factors.forEach((factor, d) => {
      if (factor === 0) return
      const index = this.#push({ fn: 'index', axis: d, dtype: 'i32' })
      const term = factor === 1 ? index : this.#push({ fn: 'mul', args: [index, this.#constant(factor, 'i32')], dtype: 'i32' })
      sum = sum < 0 ? term : this.#push({ fn: 'add', args: [sum, term], dtype: 'i32' })
    })
    if (sum < 0) return this.#constant(form.constant, 'i32')
    return form.constant === 0 ? sum : this.#push({ fn: 'add', args: [sum, this.#constant(form.constant, 'i32')], dtype: 'i32' })
  }

  /** Inline values have no load to guard: outside the guard they are replaced by 0. */
  #guarded(at: number, walk: Walk, dtype: Value['dtype']): number {
    return walk.guards.reduce((value, guard) => this.#push({ fn: 'where', args: [this.#inside(guard), value, this.#constant(0, dtype)], dtype }), at)
  }

  #inside({ axis, from, to }: Guard): number {
    const index = this.#push({ fn: 'index', axis, dtype: 'i32' })
    const above = this.#push({ fn: 'le', args: [this.#constant(from, 'i32'), index], dtype: 'bool' })
    const below = this.#push({ fn: 'lt', args: [index, this.#constant(to, 'i32')], dtype: 'bool' })
    return this.#push({ fn: 'and', args: [above, below], dtype: 'bool' })
  }
}

function labelOf(values: readonly Value[]): string {
  const names = [...values].sort((a, b) => a.id - b.id).map(({ operation }) => (operation.kind === 'elementwise' || operation.kind === 'reduce' ? operation.fn : operation.kind))
  return [...new Set(names)].join(' ')
}
