// Which slot each value lives in, and where else it is stored. External slots come first, numbered as the program numbers them.
import type { Dtype } from '../dtype.js'
import type { Program } from '../graph/program.js'
import { rowMajorStrides, sameShape, sizeOf } from '../shape.js'
import type { Cluster, Clusters } from './cluster.js'
import type { SlotShape } from './draft.js'
import type { Preload } from './plan.js'
import type { Locations } from './locate.js'
import type { Value, ValueGraph } from './value.js'
import { permuteWalk, reshapeWalk, type Walk } from './view.js'

/** A place a computed value is written to: a walk over its own shape. */
export interface Store {
  readonly slot: number
  readonly walk: Walk
}

/** A result that has to be copied to its external after (or, where it would be overwritten, before) everything else. */
export interface FinalCopy {
  readonly value: Value
  readonly external: number
  readonly first: boolean
}

export class Memory {
  readonly slots: (SlotShape & { readonly external: number | null })[] = []
  readonly finalCopies: FinalCopy[] = []
  /** Scalars from outside that lie in a pool. */
  readonly preloads: Preload[] = []
  /** Pieces of a concat that are written into it by whoever computes them. */
  readonly placed = new Set<string>()
  /** Slices written into the memory of what they are written over: nothing else of it is touched. */
  readonly inPlace = new Set<Value>()
  readonly #home = new Map<Value, number>()
  /** Where in its home a scalar lies that shares it. */
  readonly #pooled = new Map<Value, number>()
  readonly #extra = new Map<Value, Store[]>()
  readonly #read = new Set<Value>()
  /** Values that every kernel computes for itself. */
  readonly computedAgain: ReadonlySet<Value>
  readonly #locations: Locations
  /** Values that outlive the program. */
  readonly #resultBases: ReadonlySet<Value>

  constructor(program: Program, graph: ValueGraph, locations: Locations, clusters: Clusters, computedAgain: ReadonlySet<Value>, pools: readonly (readonly Value[])[]) {
    this.#locations = locations
    this.computedAgain = computedAgain
    for (const [i, { source, result }] of program.externals.entries()) {
      const node = source ?? result
      this.addSlot(node?.dtype ?? 'f32', sizeOf(node?.shape ?? []), i)
    }
    for (const value of graph.values) if (value.external !== null) this.#home.set(value, value.external)
    for (const pool of pools) this.#makePool(pool)
    const order = clusters.inOrder()
    this.#resultBases = new Set(graph.results.flatMap(value => (value === null ? [] : [locations.of(value).base])))
    this.#assignResults(program, graph, clusters, order)
    this.#updateInPlace(graph, clusters, order)
    this.#placePieces(graph, clusters)
    this.#findReads(order)
  }

  #makePool(pool: readonly Value[]): void {
    const slot = this.addSlot(pool[0].dtype, pool.length)
    pool.forEach((value, offset) => {
      this.#home.set(value, slot)
      this.#pooled.set(value, offset)
      if (value.external !== null) this.preloads.push({ external: value.external, slot, offset })
    })
  }

  addSlot(dtype: Dtype, length: number, external: number | null = null): number {
    return this.slots.push({ dtype, length, external }) - 1
  }

  /** The slot a base lives in; made on demand. */
  homeOf(base: Value): number {
    const known = this.#home.get(base)
    if (known !== undefined) return known
    const slot = this.addSlot(base.dtype, sizeOf(base.shape))
    this.#home.set(base, slot)
    return slot
  }

  /** A walk through a base as one through the slot it lives in. */
  locate(base: Value, walk: Walk): Store {
    const offset = this.#pooled.get(base) ?? 0
    return { slot: this.homeOf(base), walk: offset === 0 ? walk : { ...walk, offset: walk.offset + offset } }
  }

  /** Everywhere a computed value must be written. */
  storesOf(base: Value): Store[] {
    const extra = this.#extra.get(base) ?? []
    const own = this.#home.has(base) || this.#read.has(base) ? [this.locate(base, { offset: 0, strides: this.#locations.layout(base), guards: [] })] : []
    return [...own, ...extra]
  }

  #assignResults(program: Program, graph: ValueGraph, clusters: Clusters, order: readonly Cluster[]): void {
    const written = new Set(program.externals.flatMap(({ result }, i) => (result === null ? [] : [i])))
    graph.results.forEach((value, external) => {
      if (value === null || value.external === external) return
      const { base } = this.#locations.of(value)
      if (base.operation.kind === 'sliceScatter' && this.#isWhole(value, base) && this.#updateExternal(base, external, clusters, order)) return
      const direct = base.external === null && clusters.of(base) !== undefined && !this.#home.has(base) && this.#isWhole(value, base)
      const inPlace = program.externals[external].source !== null
      const safe = !inPlace || this.#mayOverwrite(graph, clusters, order, base, external)
      if (direct && safe) this.#home.set(base, external)
      else this.finalCopies.push({ value, external, first: base.external !== null && written.has(base.external) })
    })
  }

  /** Slices one after another written over the old content of an external are written right there, if nobody reads what they overwrite later. */
  #updateExternal(last: Value, external: number, clusters: Clusters, order: readonly Cluster[]): boolean {
    const chain: Value[] = []
    for (let value = last; value.external === null; value = this.#locations.of(value.inputs[0]).base) {
      const isFree = !this.#home.has(value) && (value === last || !this.#resultBases.has(value))
      if (value.operation.kind !== 'sliceScatter' || !isFree || !this.#isLastUse(value, clusters, order)) return false
      chain.push(value)
    }
    if (this.#locations.of(chain[chain.length - 1].inputs[0]).base.external !== external) return false
    for (const value of chain) {
      this.#home.set(value, external)
      this.inPlace.add(value)
    }
    return true
  }

  /** The same with values of this program, where they are not wanted for themselves. */
  #updateInPlace(graph: ValueGraph, clusters: Clusters, order: readonly Cluster[]): void {
    for (const value of graph.values) {
      if (value.operation.kind !== 'sliceScatter' || value.external !== null || this.#home.has(value)) continue
      const { base } = this.#locations.of(value.inputs[0])
      if (base.external !== null || clusters.of(base) === undefined || this.#resultBases.has(base) || !this.#isLastUse(value, clusters, order)) continue
      this.#home.set(value, this.homeOf(base))
      this.inPlace.add(value)
    }
  }

  /** Is all of the target's memory free to be written over, once this slice is written? */
  #isLastUse(slice: Value, clusters: Clusters, order: readonly Cluster[]): boolean {
    const [target, ...others] = slice.inputs
    const { base } = this.#locations.of(target)
    if (!this.#isWhole(target, base) || others.some(other => this.#locations.of(other).base === base)) return false
    const at = order.findIndex(cluster => cluster === clusters.of(slice))
    return !order.some((cluster, i) => i > at && cluster.reads.has(base))
  }

  /** Is the value all of the base's memory in row-major order? Then the base may be computed right where the value is wanted. */
  #isWhole(value: Value, base: Value): boolean {
    const { offset, strides, guards } = this.#locations.of(value).walk
    const wanted = rowMajorStrides(value.shape)
    return sizeOf(value.shape) === sizeOf(base.shape) && offset === 0 && guards.length === 0 && strides.every((stride, axis) => value.shape[axis] <= 1 || stride === wanted[axis])
  }

  /** May `value` be written over the old content of the external at the moment it is computed? Only if nobody reads the old content later. */
  #mayOverwrite(graph: ValueGraph, clusters: Clusters, order: readonly Cluster[], value: Value, external: number): boolean {
    const old = graph.values.find(candidate => candidate.external === external)
    if (old === undefined) return true
    const writer = clusters.of(value)
    if (writer === undefined || writer.kind === 'opaque') return false
    const at = order.indexOf(writer)
    if (order.some((cluster, i) => i > at && cluster.reads.has(old))) return false
    return !writer.reads.has(old) || this.#readsInStep(writer, old, value)
  }

  /** Does the cluster read `old` only at the very element that it then overwrites? */
  #readsInStep(cluster: Cluster, old: Value, value: Value): boolean {
    const wanted = this.#locations.layout(old)
    const uses = [...cluster.members].flatMap(member => member.inputs.map(input => ({ member, input })).filter(({ input }) => this.#locations.of(input).base === old))
    return uses.every(({ member, input }) => {
      const { walk } = this.#locations.of(input)
      const elementwise = member.operation.kind === 'elementwise' || member.operation.kind === 'cast'
      return elementwise && sameShape(input.shape, value.shape) && walk.offset === 0 && walk.guards.length === 0 && walk.strides.every((stride, d) => input.shape[d] <= 1 || stride === wanted[d])
    })
  }

  #placePieces(graph: ValueGraph, clusters: Clusters): void {
    for (const concat of graph.values) {
      if (concat.operation.kind !== 'concat' || concat.external !== null) continue
      const strides = rowMajorStrides(concat.shape)
      const { axis } = concat.operation
      let start = 0
      concat.inputs.forEach((piece, i) => {
        const target: Walk = { offset: start * strides[axis], strides, guards: [] }
        start += piece.shape[axis]
        this.#placePiece(concat, i, piece, target, clusters)
      })
    }
  }

  #placePiece(concat: Value, i: number, piece: Value, target: Walk, clusters: Clusters): void {
    const { base } = this.#locations.of(piece)
    const producer = clusters.of(base)
    // A concat of a concat, and values computed elsewhere, are copied; and an external updated in place must not be touched early.
    if (producer === undefined || base.operation.kind === 'concat' || this.#locations.copied.has(base)) return
    const home = this.#home.get(concat)
    if (home !== undefined && this.slots[home].external !== null) return
    const walk = throughMovement(piece, base, target)
    if (walk === null) return
    // An operation with a kernel of its own writes each output once, densely unless the kernel takes strides.
    if (producer.kind === 'opaque' && (base.users.length > 1 || base.operation.kind !== 'part' || this.#isResult(base))) return
    this.#extra.set(base, [...(this.#extra.get(base) ?? []), { slot: this.homeOf(concat), walk }])
    this.placed.add(`${concat.id}:${i}`)
  }

  #isResult(base: Value): boolean {
    return this.#home.has(base) || this.finalCopies.some(({ value }) => this.#locations.of(value).base === base)
  }

  #findReads(order: readonly Cluster[]): void {
    for (const cluster of order)
      for (const base of cluster.reads) {
        const concat = [...cluster.members].find(member => member.operation.kind === 'concat')
        const onlyPlaced = concat !== undefined && concat.inputs.every((piece, i) => this.#locations.of(piece).base !== base || this.placed.has(`${concat.id}:${i}`))
        if (!onlyPlaced) this.#read.add(base)
      }
    for (const { value } of this.finalCopies) this.#read.add(this.#locations.of(value).base)
  }
}

/** The walk over `base` that writes what `piece`, seen through reshapes and permutations of it, would write at `target`. */
function throughMovement(piece: Value, base: Value, target: Walk): Walk | null {
  let walk: Walk | null = target
  let value = piece
  while (value !== base && walk !== null) {
    const [input] = value.inputs
    if (value.operation.kind === 'reshape') walk = reshapeWalk(walk, value.shape, input.shape)
    else if (value.operation.kind === 'permute') {
      const { order } = value.operation
      walk = permuteWalk(walk, order.map((_, axis) => order.indexOf(axis)))
    } else return null
    value = input
  }
  return walk
}
