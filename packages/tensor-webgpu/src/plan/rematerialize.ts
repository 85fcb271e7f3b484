// Computing again instead of storing: a cheap elementwise value whose operands are in memory anyway is written into the kernels that use it.
// Saves its memory and its traffic; normalised activations and products of gradients are the usual cases.
import { bytesPerElement, isFloat } from '../dtype.js'
import { sameShape, sizeOf } from '../shape.js'
import type { Bindings } from './bindings.js'
import { isInline, rowShape, type Cluster, type Clusters } from './cluster.js'
import type { Locations } from './locate.js'
import type { PlanLimits } from './plan.js'
import { activations, canBePrologue, isLittleWork } from './prologue.js'
import type { Value } from './value.js'

const cheap: ReadonlySet<string> = new Set(['add', 'sub', 'mul', 'neg', 'abs', 'max', 'min', 'where', 'eq', 'ne', 'lt', 'le', 'and', 'or', 'not', 'sign', 'bitAnd'])

/** How much smaller than the value an operand is (a row's mean) that may be stored for its sake. */
const SMALL = 16

/** A longer chain of operations is not computed twice. */
const LONGEST_PASSING = 16

/** Does storing an operand instead of the value take less? It may be much smaller, or a half where the value is f32. */
const takesLess = (root: Value, value: Value): boolean => sizeOf(root.shape) * SMALL <= sizeOf(value.shape) || (root.dtype === 'f16' && value.dtype === 'f32')

const isCheap = (value: Value): boolean => value.operation.kind === 'cast' || value.operation.kind === 'bitcast' || (value.operation.kind === 'elementwise' && cheap.has(value.operation.fn))

export class Rematerialization {
  /** Values that have no memory: whoever needs one computes it. */
  readonly values = new Set<Value>()
  readonly #locations: Locations
  readonly #clusters: Clusters
  readonly #kept: ReadonlySet<Value>
  readonly #updated: ReadonlyMap<Value, number>
  readonly #bindings: Bindings
  readonly #limits: PlanLimits
  readonly #readers = new Map<Value, Set<Cluster>>()
  /** Cheap values that never were to be stored, being used inside their own kernel alone: another kernel may compute them too. With how many lead to each. */
  readonly #passing = new Map<Value, number>()

  /**
   * `kept` must be stored for their own sake; `updated` are overwritten by the program, by a cluster of that level: who reads one later than that
   * keeps it from being done in place.
   */
  constructor(values: readonly Value[], locations: Locations, clusters: Clusters, options: { kept: ReadonlySet<Value>; updated: ReadonlyMap<Value, number>; bindings: Bindings; limits: PlanLimits }) {
    this.#locations = locations
    this.#clusters = clusters
    this.#kept = options.kept
    this.#updated = options.updated
    this.#bindings = options.bindings
    this.#limits = options.limits
    for (const cluster of clusters.inOrder()) for (const base of cluster.reads) this.#readersOf(base).add(cluster)
    for (const value of values) this.#storeInstead(value)
    // once more while something changed: what no longer is read leaves bindings for what did not fit before
    for (let found = -1; found < this.values.size; ) {
      found = this.values.size
      for (const value of values) {
        if (this.values.has(value)) continue
        if (this.#isWorthIt(value)) this.#apply(value)
        else if (this.#isPassing(value)) this.#passing.set(value, this.#passingBefore(value) + 1)
      }
    }
  }

  #readersOf(base: Value): Set<Cluster> {
    const known = this.#readers.get(base) ?? new Set<Cluster>()
    this.#readers.set(base, known)
    return known
  }

  /** What has to be read to compute a value, and how many elements of it: operands in memory, or what is read to compute them. */
  #roots(value: Value): Map<Value, number> {
    const roots = new Map<Value, number>()
    const met = new Set([value])
    // a set takes up what is added while it is gone through
    for (const { inputs } of met)
      for (const input of inputs) {
        const { base, walk } = this.#locations.of(input)
        if (isInline(base)) continue
        const elements = Math.min(sizeOf(input.shape.filter((_, axis) => walk.strides[axis] !== 0)), sizeOf(base.shape))
        if (this.values.has(base) || this.#passing.has(base)) met.add(base)
        else roots.set(base, Math.max(elements, roots.get(base) ?? 0))
      }
    return roots
  }

  /** Where several stored values are each computed from one that is not, it takes their place: an activation and its derivative from their argument. */
  #storeInstead(root: Value): void {
    if (root.external !== null || isInline(root) || !isFloat(root.dtype) || this.#readersOf(root).size > 0 || this.#kept.has(root) || this.#locations.copied.has(root)) return
    const isDerived = (user: Value): boolean => user.operation.kind === 'elementwise' && (activations.has(user.operation.fn) || cheap.has(user.operation.fn))
      && !this.#kept.has(user) && !this.#locations.copied.has(user) && this.#readersOf(user).size > 0
      && user.inputs.every(input => (input === root || isInline(this.#locations.of(input).base)) && this.#isAligned(input, user.shape))
    const derived = root.users.filter(isDerived)
    if (derived.length < 2 || !derived.every(value => [...this.#readersOf(value)].every(reader => this.#fits(value, reader, [root])))) return
    for (const value of derived) this.#apply(value)
  }

  #mayBeComputedAgain(value: Value): boolean {
    return isCheap(value) && !this.#kept.has(value) && !this.#locations.copied.has(value)
  }

  /** The longest chain of passing values that a value is computed from. */
  #passingBefore(value: Value): number {
    return Math.max(0, ...value.inputs.map(input => this.#passing.get(this.#locations.of(input).base) ?? 0))
  }

  #isPassing(value: Value): boolean {
    return value.dtype !== 'f16' && this.#readersOf(value).size === 0 && this.#mayBeComputedAgain(value) && this.#passingBefore(value) < LONGEST_PASSING && this.#isFollowed(value)
  }

  #isWorthIt(value: Value): boolean {
    const readers = this.#readersOf(value)
    if (readers.size === 0 || !this.#mayBeComputedAgain(value)) return false
    const size = sizeOf(value.shape)
    const elements = this.#roots(value)
    const roots = [...elements.keys()]
    const last = Math.max(...[...readers].map(reader => reader.level))
    const inMemory = (base: Value): boolean => base.external !== null || this.#kept.has(base) || this.#readersOf(base).size > 0
    if (roots.some(root => (this.#updated.get(root) ?? Infinity) <= last || this.#locations.copied.has(root) || !(inMemory(root) || takesLess(root, value)))) return false
    if (!this.#isFollowed(value)) return false
    const large = roots.filter(root => root.external === null && sizeOf(root.shape) * 2 > size)
    const prolonged = large.filter(root => Math.max(-1, ...[...this.#readersOf(root)].map(reader => reader.level)) < last)
    if (prolonged.length > 1) return false
    return [...readers].every(reader => this.#fits(value, reader, roots)) && this.#saves(value, readers, elements)
  }

  /** Reading the operands must not cost more than writing and reading the value does. */
  #saves(value: Value, readers: ReadonlySet<Cluster>, roots: ReadonlyMap<Value, number>): boolean {
    const added = [...readers].reduce((sum, reader) => sum + [...roots].reduce((more, [root, elements]) => (reader.reads.has(root) || reader.members.has(root) ? more : more + elements * bytesPerElement[root.dtype]), 0), 0)
    return added <= sizeOf(value.shape) * bytesPerElement[value.dtype] * (1 + readers.size)
  }

  #fits(value: Value, reader: Cluster, roots: readonly Value[]): boolean {
    if (reader.kind === 'opaque' || [...reader.members].some(member => this.#locations.copied.has(member))) return false
    const users = [...reader.members].flatMap(member => member.inputs.filter(input => this.#locations.of(input).base === value).map(input => ({ member, input })))
    const isComputed = (base: Value): boolean => this.values.has(base) || this.#passing.has(base)
    const inSpace = sameShape(value.shape, reader.shape) || sameShape(value.shape, rowShape(reader))
    const fits = users.every(({ member, input }) =>
      member.operation.kind === 'matmul' ? canBePrologue(member, input, value, this.#locations, isComputed) && isLittleWork(member, member.inputs[0] === input ? 0 : 1, value, this.#locations, { isComputed, limits: this.#limits })
      : inSpace && ['elementwise', 'cast', 'reduce'].includes(member.operation.kind) && this.#isAligned(input, reader.shape))
    const reads = new Set([...reader.reads, ...roots])
    reads.delete(value)
    const stored = [...reader.members].filter(member => this.#kept.has(member) || this.#readersOf(member).size > 0)
    // in a loop that has it through another value computed again, its place there has been looked at
    const used = users.length > 0 || (reader.kind === 'loop' && inSpace && value.users.some(user => this.values.has(user)))
    return used && fits && this.#bindings.allows(reader.members, this.#bindings.count(reads, stored))
  }

  /**
   * Can another kernel get at a value's operands? At its own index it can compute them or read them; a half that the value's own kernel reads at other
   * indices, to have it as f32, stays in memory for that kernel, and any other may read it there in the same way.
   */
  #isFollowed({ operation, inputs, shape }: Value): boolean {
    return inputs.every(input => this.#isAligned(input, shape) || (operation.kind === 'cast' && !this.values.has(this.#locations.of(input).base)))
  }

  /**
   * Does the use name, at each index of the space, the base's element at that index (or at 0 along axes of size 1)? What is always read from memory
   * may be used in any way, if it is a vector such as a gain, or has an element for each index.
   */
  #isAligned(input: Value, space: readonly number[]): boolean {
    const { base, walk } = this.#locations.of(input)
    if (isInline(base)) return true
    const [met, size] = [sizeOf(input.shape.filter((_, axis) => walk.strides[axis] !== 0)), sizeOf(space)]
    if (base.external !== null && (met * SMALL <= size || met === size)) return true
    if (base.shape.length !== space.length || input.shape.length !== space.length || walk.offset !== 0 || walk.guards.length > 0) return false
    const layout = this.#locations.layout(base)
    return base.shape.every((n, axis) => (n === 1 ? input.shape[axis] === 1 || walk.strides[axis] === 0 : n === space[axis] && n === input.shape[axis] && walk.strides[axis] === layout[axis]))
  }

  /** The value itself and whatever passing values it is computed from. */
  #addWithPassing(value: Value): void {
    this.values.add(value)
    for (const input of value.inputs) {
      const { base } = this.#locations.of(input)
      if (this.#passing.has(base) && !this.values.has(base)) this.#addWithPassing(base)
    }
  }

  #apply(value: Value): void {
    this.#addWithPassing(value)
    const roots = [...this.#roots(value).keys()]
    for (const reader of this.#readersOf(value)) {
      reader.reads.delete(value)
      for (const root of roots) {
        if (reader.members.has(root)) continue
        reader.reads.add(root)
        this.#readersOf(root).add(reader)
        this.#clusters.of(root)?.dependents.add(reader)
      }
    }
    this.#readers.delete(value)
  }
}
