// How many buffers a kernel would bind: what fusion asks before it makes one larger. Not the bindings themselves, which draft.ts finds.
import { sizeOf } from '../shape.js'
import { isMovement, type Locations } from './locate.js'
import type { Value, ValueGraph } from './value.js'

export class Bindings {
  readonly #most: number
  readonly #fewer: ReadonlyMap<number, number>
  readonly #locations: Locations
  readonly #kept: ReadonlySet<Value>
  /** Results that are the new value of an external, with its old value: one storage, updated in place. */
  readonly #inPlace = new Map<Value, Value>()
  readonly #updated = new Set<Value>()
  readonly #scalars = new Map<Value, boolean>()

  /** `fewer` says by how much a kernel must stay below `most` that computes a value, by the value's id. `kept` have memory of their own. */
  constructor(graph: ValueGraph, locations: Locations, { kept, most, fewer }: { kept: ReadonlySet<Value>; most: number; fewer: ReadonlyMap<number, number> }) {
    this.#most = most
    this.#fewer = fewer
    this.#locations = locations
    this.#kept = kept
    const olds = new Map(graph.values.flatMap(value => (value.external === null ? [] : [[value.external, value]])))
    graph.results.forEach((value, external) => {
      const old = olds.get(external)
      if (value === null || old === undefined) return
      this.#updated.add(old)
      this.#inPlace.set(locations.of(value).base, old)
    })
  }

  /** Buffers of a kernel that reads and stores these values; with `pooled`, if the scalars among them lie side by side. */
  count(reads: Iterable<Value>, stored: Iterable<Value>, pooled = true): number {
    return new Set([...reads, ...stored].map(value => (pooled && this.isScalar(value) ? value.dtype : (this.#inPlace.get(value) ?? value)))).size
  }

  /** May a kernel that computes `members` bind that many? */
  allows(members: Iterable<Value>, count: number): boolean {
    let most = this.#most
    for (const { id } of members) most = Math.min(most, this.#most - (this.#fewer.get(id) ?? 0))
    return count <= most
  }

  /** One number that kernels only read by themselves: computed on the way, or given from outside and not updated. Several may share a binding. */
  isScalar(value: Value): boolean {
    const known = this.#scalars.get(value)
    if (known !== undefined) return known
    const computed = value.external === null && ['elementwise', 'cast', 'bitcast', 'reduce'].includes(value.operation.kind)
    const given = value.external !== null && !this.#updated.has(value)
    const is = sizeOf(value.shape) === 1 && value.dtype !== 'f16' && (computed || given) && !this.#kept.has(value) && !this.#locations.copied.has(value) && this.#isReadByLoops(value)
    this.#scalars.set(value, is)
    return is
  }

  #isReadByLoops(value: Value): boolean {
    return value.users.every(user => (isMovement(user) ? !this.#locations.copied.has(user) && !this.#kept.has(user) && this.#isReadByLoops(user) : ['elementwise', 'cast', 'bitcast', 'reduce'].includes(user.operation.kind)))
  }
}
