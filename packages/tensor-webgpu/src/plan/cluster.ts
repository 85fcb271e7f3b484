// Fusion: which values are computed together in one kernel. A cluster is a loop over an iteration space, or a matmul with what follows it.
// Rules are local: a value joins the clusters of its inputs where its index is theirs, as long as no cycle between clusters can arise.
import { sameShape, sizeOf, type Shape } from '../shape.js'
import type { Bindings } from './bindings.js'
import { findColumnSums, type ColumnSum } from './column-sums.js'
import type { Locations, Source } from './locate.js'
import type { Value } from './value.js'

export type ClusterKind = 'loop' | 'matmul' | 'opaque'

export interface Cluster {
  readonly kind: ClusterKind
  /** The iteration space, in the axes of its element-level members. */
  readonly shape: Shape
  /** Axes that its reductions run over; none for a map. */
  axes: readonly number[]
  readonly members: Set<Value>
  /** Bases read from memory. */
  readonly reads: Set<Value>
  /** Clusters that read from this one. */
  readonly dependents: Set<Cluster>
  /** Greater than the level of every cluster it reads from: the order of execution. */
  level: number
  mergedInto: Cluster | null
  /** Of a matmul whose members are also sums of one of its operands: which. */
  summed: ColumnSum['operand'] | null
}

/** Values that one kernel may compute: beyond this, compilers of shaders slow down and registers run out. */
const MOST_MEMBERS = 96

/** What the sums over one normalisation's gradient bind when nothing is stored for their sake: it, the input and its two statistics, two sums. */
const BINDINGS_PER_SUM = 6

/** Reductions looked back at for one to join. */
const RECENT = 64

/** Values written into every kernel that needs them instead of being read. */
export const isInline = (value: Value): boolean => value.operation.kind === 'constant' || value.operation.kind === 'index'

const isElementwise = (value: Value): boolean => ['elementwise', 'cast', 'bitcast', 'gather'].includes(value.operation.kind)

export const rowShape = (cluster: Pick<Cluster, 'shape' | 'axes'>): Shape => cluster.shape.map((n, axis) => (cluster.axes.includes(axis) ? 1 : n))

/** The longest row that is gone through more than once rather than stored: the logits of any vocabulary. */
const LONGEST_ROW = 131072

/** A row that one invocation runs through more than once must be short, or rows many: else the work is split over kernels instead. */
function mayRevisitRows(shape: Shape, axes: readonly number[]): boolean {
  const inner = sizeOf(axes.map(axis => shape[axis]))
  const rows = sizeOf(shape) / Math.max(1, inner)
  return inner <= LONGEST_ROW && (rows >= 32 || rows * inner <= 65536)
}

export class Clusters {
  readonly #of = new Map<Value, Cluster>()
  readonly #locations: Locations
  readonly #bindings: Bindings
  readonly #kept: ReadonlySet<Value>
  readonly #columnSums: ReadonlyMap<Value, ColumnSum>
  /** Clusters opened by a reduction, oldest first, by the space and axes they run over. */
  readonly #reductions = new Map<string, Cluster[]>()

  constructor(values: readonly Value[], locations: Locations, kept: ReadonlySet<Value>, bindings: Bindings) {
    this.#locations = locations
    this.#bindings = bindings
    this.#kept = kept
    this.#columnSums = findColumnSums(values, locations)
    for (const value of values) this.#place(value)
  }

  /** The cluster that computes a base; undefined for sources and inline values. */
  of(value: Value): Cluster | undefined {
    const cluster = this.#of.get(value)
    return cluster === undefined ? undefined : root(cluster)
  }

  /** All clusters in an order in which each comes after those it reads from. */
  inOrder(): Cluster[] {
    const all = [...new Set([...this.#of.values()].map(root))]
    return all.map((cluster, i) => ({ cluster, i })).sort((a, b) => a.cluster.level - b.cluster.level || a.i - b.i).map(({ cluster }) => cluster)
  }

  #place(value: Value): void {
    const { kind } = value.operation
    const copy = this.#locations.copied.get(value)
    if (copy !== undefined) this.#openCopy(value, copy)
    else if (this.#of.has(value)) return   // a matmul that one of its sums has opened
    else if (value.external !== null || isInline(value)) return
    else if (isElementwise(value)) this.#placeElementwise(value)
    else if (kind === 'reduce') this.#placeReduce(value, value.operation.kind === 'reduce' ? value.operation.axes : [])
    else if (kind === 'matmul') this.#openMatmul(value)
    else if (kind === 'part') this.#placePart(value)
    else if (kind === 'concat' || kind === 'attention' || kind === 'attentionBackward' || kind === 'scatterAdd' || kind === 'sliceScatter' || kind === 'categorical' || kind === 'custom') this.#open('opaque', value, value.shape, [], value.inputs)
  }

  #placePart(value: Value): void {
    const whole = this.of(value.inputs[0])
    if (whole === undefined) throw new Error('plan: a part must come after its whole')
    whole.members.add(value)
    this.#of.set(value, whole)
  }

  #open(kind: ClusterKind, value: Value, shape: Shape, axes: readonly number[], inputs: readonly Value[]): Cluster {
    const cluster: Cluster = { kind, shape, axes, members: new Set([value]), reads: new Set(), dependents: new Set(), level: 0, mergedInto: null, summed: null }
    this.#of.set(value, cluster)
    for (const input of inputs) this.#read(cluster, input)
    return cluster
  }

  #openMatmul(value: Value): Cluster {
    return this.#open('matmul', value, value.shape, [], value.inputs)
  }

  #openCopy(value: Value, { base, shape }: Source): void {
    const cluster = this.#open('loop', value, shape, [], [])
    this.#readBase(cluster, base)
  }

  #read(cluster: Cluster, input: Value): void {
    this.#readBase(cluster, this.#locations.of(input).base)
  }

  #readBase(cluster: Cluster, base: Value): void {
    if (isInline(base) && !this.#locations.copied.has(base)) return
    cluster.reads.add(base)
    const from = this.of(base)
    if (from === undefined || from === cluster) return
    from.dependents.add(cluster)
    cluster.level = Math.max(cluster.level, from.level + 1)
  }

  /** In memory from the start, or placed already. */
  #isThere(base: Value): boolean {
    return this.#of.has(base) || (base.external !== null && !this.#locations.copied.has(base))
  }

  /** The sum of an operand costs its matmul nothing: it is computed there, which may have to be opened before its turn. */
  #placeColumnSum(value: Value): boolean {
    const sum = this.#columnSums.get(value)
    if (sum === undefined || this.#locations.copied.has(sum.matmul)) return false
    const { matmul } = sum
    const known = this.of(matmul)
    if (known === undefined && !matmul.inputs.every(input => this.#isThere(this.#locations.of(input).base))) return false
    const cluster = known ?? this.#openMatmul(matmul)
    if (!this.#isLegal(value, [cluster])) return false
    this.#merge(value, [cluster])
    cluster.summed = sum.operand
    return true
  }

  #placeReduce(value: Value, axes: readonly number[]): void {
    if (this.#placeColumnSum(value)) return
    const [input] = value.inputs
    const { base } = this.#locations.of(input)
    const cluster = this.of(base)
    const joins = cluster !== undefined && cluster.kind === 'loop' && cluster.members.size < MOST_MEMBERS && this.#isSameElement(input, cluster) && (cluster.axes.length === 0 || sameShape(cluster.axes, axes)) && this.#mayReduceHere(cluster, axes)
    if (!joins) {
      const twin = this.#findTwin(value, base, axes)
      if (twin !== undefined) this.#merge(value, [twin])
      else this.#remember(this.#open('loop', value, input.shape, axes, [input]))
      return
    }
    const twin = this.#recent(cluster.shape, axes).find(other => other !== cluster && [...other.reads].some(base => cluster.reads.has(base)) && this.#isLegal(value, [cluster, other]))
    this.#merge(value, twin === undefined ? [cluster] : [cluster, twin])
    cluster.axes = axes
    if (twin === undefined) this.#remember(cluster)
  }

  /**
   * Another recent reduction over the same space: the gradients of a normalisation's gain and bias, or of two layers. One kernel does both, as
   * long as it may still compute what it sums from its operands instead of reading it.
   */
  #findTwin(value: Value, base: Value, axes: readonly number[]): Cluster | undefined {
    const [input] = value.inputs
    return this.#recent(input.shape, axes).find(cluster => !cluster.members.has(base) && this.#hasRoom(cluster, base) && this.#isLegal(value, [cluster]))
  }

  #recent(shape: Shape, axes: readonly number[]): Cluster[] {
    return (this.#reductions.get(spaceKey(shape, axes)) ?? []).slice(-RECENT).map(root).filter(cluster => sameShape(cluster.shape, shape) && sameShape(cluster.axes, axes))
  }

  #remember(cluster: Cluster): void {
    const key = spaceKey(cluster.shape, cluster.axes)
    const known = this.#reductions.get(key)
    if (known === undefined) this.#reductions.set(key, [cluster])
    else known.push(cluster)
  }

  #hasRoom(cluster: Cluster, base: Value): boolean {
    if (cluster.reads.has(base)) return true
    const origins = new Set([base, ...cluster.reads].map(read => this.of(read) ?? read))
    return this.#bindings.allows(cluster.members, origins.size * BINDINGS_PER_SUM)
  }

  /** Turning a map with other users into few long rows would cost it its parallelism. */
  #mayReduceHere(cluster: Cluster, axes: readonly number[]): boolean {
    if (cluster.axes.length > 0 || mayRevisitRows(cluster.shape, axes)) return true
    return ![...cluster.members].some(member => this.#kept.has(member) || member.users.length > 1)
  }

  /** Does `input` name, at each index of the cluster's space, the very element that the cluster computes there? */
  #isSameElement(input: Value, cluster: Cluster): boolean {
    const { base, walk } = this.#locations.of(input)
    if (!sameShape(base.shape, cluster.shape) || !sameShape(input.shape, cluster.shape)) return false
    return walk.offset === 0 && walk.guards.length === 0 && follows(walk.strides, this.#locations.layout(base), base.shape)
  }

  /** Is `input` a row-level member of the cluster, used per row (`shape` is the row shape) or spread along the rows (`shape` is the full one)? */
  #isRowValue(input: Value, cluster: Cluster): boolean {
    const { base, walk } = this.#locations.of(input)
    if (cluster.axes.length === 0 || !sameShape(base.shape, rowShape(cluster)) || walk.offset !== 0 || walk.guards.length > 0) return false
    const spread = sameShape(input.shape, cluster.shape)
    if (!spread && !sameShape(input.shape, base.shape)) return false
    if (spread && !mayRevisitRows(cluster.shape, cluster.axes)) return false
    const layout = this.#locations.layout(base)
    return walk.strides.every((stride, axis) => input.shape[axis] <= 1 || stride === (base.shape[axis] === 1 ? 0 : layout[axis]))
  }

  #placeElementwise(value: Value): void {
    const fused = value.operation.kind === 'gather' ? value.inputs.slice(1) : value.inputs
    const candidates = [...new Set(fused.flatMap(input => this.of(this.#locations.of(input).base) ?? []))]
    const joinable = candidates.filter(cluster => this.#accepts(cluster, value, fused))
    // A matmul can be joined, never moved; a space with rows is richer than a plain one.
    const rank = (cluster: Cluster): number => (cluster.kind === 'matmul' ? 0 : cluster.axes.length > 0 ? 1 : 2)
    for (const main of joinable.sort((a, b) => rank(a) - rank(b))) {
      const group = this.#largestLegal(value, main, joinable.filter(cluster => cluster !== main && canAbsorb(main, cluster)))
      if (group.length > 0) return this.#merge(value, group)
    }
    this.#open('loop', value, value.shape, [], value.inputs)
  }

  #accepts(cluster: Cluster, value: Value, fused: readonly Value[]): boolean {
    if (cluster.kind === 'opaque') return false
    if (!sameShape(value.shape, cluster.shape) && !(cluster.kind === 'loop' && cluster.axes.length > 0 && sameShape(value.shape, rowShape(cluster)))) return false
    if (cluster.kind === 'loop' && [...cluster.members].some(member => this.#locations.copied.has(member))) return false
    const own = value.inputs.filter(input => cluster.members.has(this.#locations.of(input).base))
    return own.every(input => fused.includes(input) && (this.#isSameElement(input, cluster) || this.#isRowValue(input, cluster)))
  }

  #largestLegal(value: Value, main: Cluster, others: readonly Cluster[]): Cluster[] {
    for (let count = others.length; count >= 0; count--) {
      const group = [main, ...others.slice(0, count)]
      if (this.#isLegal(value, group)) return group
    }
    return []
  }

  /** The merged cluster's level must stay below that of everything that reads from its parts: then no cycle exists. */
  #isLegal(value: Value, group: readonly Cluster[]): boolean {
    if (group.reduce((sum, cluster) => sum + cluster.members.size, 1) > MOST_MEMBERS) return false
    // One that reads another's value at other indices needs it in memory first: they cannot be one kernel.
    if (group.some(cluster => [...cluster.reads].some(base => group.some(other => other.members.has(base))))) return false
    return this.#mergedLevel(value, group) < Math.min(...group.flatMap(cluster => [...cluster.dependents].map(root).filter(dependent => !group.includes(dependent)).map(dependent => dependent.level))) && this.#bindsFew(value, group)
  }

  #outside(value: Value, group: readonly Cluster[]): Set<Value> {
    const bases = [...value.inputs.map(input => this.#locations.of(input).base), ...group.flatMap(cluster => [...cluster.reads])]
    return new Set(bases.filter(base => !(isInline(base) && !this.#locations.copied.has(base)) && !group.some(cluster => cluster.members.has(base))))
  }

  #mergedLevel(value: Value, group: readonly Cluster[]): number {
    const outside = [...this.#outside(value, group)].map(base => this.of(base)?.level ?? -1)
    return Math.max(...group.map(cluster => cluster.level), ...outside.map(level => level + 1))
  }

  /** Does the device allow the bindings of the merged cluster? */
  #bindsFew(value: Value, group: readonly Cluster[]): boolean {
    const members = [value, ...group.flatMap(cluster => [...cluster.members])]
    const stored = members.filter(member => member === value || this.#kept.has(member) || member.users.some(user => !members.includes(user)))
    return this.#bindings.allows(members, this.#bindings.count(this.#outside(value, group), stored))
  }

  #merge(value: Value, group: readonly Cluster[]): void {
    const [main, ...others] = group
    const level = this.#mergedLevel(value, group)
    for (const other of others) {
      other.mergedInto = main
      for (const member of other.members) main.members.add(member)
      for (const base of other.reads) main.reads.add(base)
      for (const dependent of other.dependents) main.dependents.add(dependent)
      if (other.axes.length > 0) main.axes = other.axes
    }
    main.members.add(value)
    this.#of.set(value, main)
    for (const input of value.inputs) this.#read(main, input)
    for (const member of main.members) main.reads.delete(member)
    main.dependents.delete(main)
    for (const other of others) main.dependents.delete(other)
    main.level = level
  }
}

const root = (cluster: Cluster): Cluster => (cluster.mergedInto === null ? cluster : root(cluster.mergedInto))

const spaceKey = (shape: Shape, axes: readonly number[]): string => `${shape.join()}/${axes.join()}`

const follows = (strides: readonly number[], layout: readonly number[], shape: Shape): boolean => strides.every((stride, axis) => shape[axis] <= 1 || stride === layout[axis])

/** Can `other` be computed inside `main`'s iteration: the same space, or one value a row of it? */
function canAbsorb(main: Cluster, other: Cluster): boolean {
  if (other.kind !== 'loop') return false
  if (sameShape(other.shape, main.shape)) return other.axes.length === 0 || (main.kind === 'loop' && (main.axes.length === 0 || sameShape(main.axes, other.axes)))
  return main.axes.length > 0 && other.axes.length === 0 && sameShape(other.shape, rowShape(main))
}
