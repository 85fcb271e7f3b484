// From a program of nodes to a plan of kernels: merge equal values, locate them, fuse them into clusters, give them memory, write the kernels.
import { DeviceError } from '../errors.js'
import type { Program } from '../graph/program.js'
import { sizeOf } from '../shape.js'
import { layArena } from './arena.js'
import { Bindings } from './bindings.js'
import { Clusters, type Cluster } from './cluster.js'
import { emitLoop, finishLoop } from './emit-loop.js'
import { emitMatmul } from './emit-matmul.js'
import { emitCopy, emitOpaque } from './emit-opaque.js'
import type { Kernel } from './kernel.js'
import { Locations } from './locate.js'
import { Memory } from './memory.js'
import { Rematerialization } from './rematerialize.js'
import { poolScalars } from './scalar-pools.js'
import type { Plan, PlanLimits, Step } from './plan.js'
import { makeValues, type Value } from './value.js'
import { dense } from './view.js'

/** Plans a program for a device of these limits: by default eight bindings a kernel, and memory without bounds. */
export function planProgram(program: Program, { maxBindings = 8, maxBlockBytes = Infinity, tileWidth = 64, activationCost = 16, split = step => [step] }: Partial<PlanLimits> = {}): Plan {
  // Fusion counts values; one read in distant pieces, or stored in two places, takes more than one binding. Where that was too many, fuse less.
  const fewer = new Map<number, number>()
  for (let round = 1; ; round++) {
    const { plan, crowded, stiff } = planWithin(program, { maxBindings, maxBlockBytes, tileWidth, activationCost, split }, fewer)
    if (stiff.size === 0 && (crowded.size === 0 || round > MOST_ROUNDS)) return plan
    for (const { id } of crowded) fewer.set(id, (fewer.get(id) ?? 0) + 1)
    for (const { id } of stiff) fewer.set(id, maxBindings)
  }
}

/** Every round leaves the kernels alone that had few enough bindings, so that several may be needed. */
const MOST_ROUNDS = 32

/** Kernels that are what they are: no fusion made them large. */
const isWhole = ({ kind }: Kernel): boolean => kind === 'attention' || kind === 'attentionBackward' || kind === 'scatterAdd' || kind === 'categorical' || kind === 'custom'

interface Attempt {
  readonly plan: Plan
  /** Values whose kernels bind too many buffers. */
  readonly crowded: ReadonlySet<Value>
  /** Values whose kernels bind too much of a tensor, and cannot be split as they are. */
  readonly stiff: ReadonlySet<Value>
}

/** `fewer`: by how much those kernels must bind less that compute a value, by its id. */
function planWithin(program: Program, limits: PlanLimits, fewer: ReadonlyMap<number, number>): Attempt {
  const graph = makeValues(program)
  const locations = new Locations(graph.values)
  const kept = new Set(graph.results.flatMap(value => (value ? [value, locations.of(value).base] : [])))
  const bindings = new Bindings(graph, locations, { kept, most: limits.maxBindings, fewer })
  const clusters = new Clusters(graph.values, locations, kept, bindings)
  const levelOfResult = (external: number): number => {
    const result = graph.results[external]
    return result === null ? Infinity : (clusters.of(locations.of(result).base)?.level ?? -1)
  }
  const updated = new Map(graph.values.flatMap(value => (value.external === null || graph.results[value.external] === null ? [] : [[value, levelOfResult(value.external)]])))
  // what a slice is written over is gone, too, where that is done in place
  for (const value of graph.values) {
    if (value.operation.kind !== 'sliceScatter' || value.external !== null) continue
    const { base } = locations.of(value.inputs[0])
    updated.set(base, Math.min(updated.get(base) ?? Infinity, clusters.of(value)?.level ?? -1))
  }
  const again = new Rematerialization(graph.values, locations, clusters, { kept, updated, bindings, limits })
  const pools = poolScalars(clusters, bindings, { kept, again: again.values, maxBindings: limits.maxBindings })
  const memory = new Memory(program, graph, locations, clusters, again.values, pools)
  const before: Step[] = []
  const after: Step[] = []
  for (const { value, external, first } of memory.finalCopies) {
    if (sizeOf(value.shape) === 0) continue
    const target = { slot: external, walk: dense(value.shape) }
    if (!first) {
      after.push(emitCopy(value, target, locations, memory, 'result'))
      continue
    }
    // The value is the old content of an external that this program overwrites: save it first.
    const saved = memory.addSlot(value.dtype, sizeOf(value.shape))
    before.push(emitCopy(value, { slot: saved, walk: dense(value.shape) }, locations, memory, 'save'))
    after.push(copySlot(saved, external, value, memory))
  }
  const fit = (steps: readonly Step[]): Step[] => steps.flatMap(step => limits.split(step, memory))
  const [crowded, stiff] = [new Set<Value>(), new Set<Value>()]
  const own = clusters.inOrder().flatMap(cluster => {
    const whole = emitCluster(cluster, locations, memory)
    // a fused kernel that cannot be split may be fused less
    const mayFuseLess = cluster.members.size > 1 && [...cluster.members].some(({ id }) => (fewer.get(id) ?? 0) < limits.maxBindings)
    const emitted = mayFuseLess ? unlessTooLarge(() => fit(whole)) : fit(whole)
    if (emitted === null) {
      for (const member of cluster.members) stiff.add(member)
      return []
    }
    if (emitted.some(({ kernel }) => !isWhole(kernel) && kernel.bindings.length > limits.maxBindings)) for (const member of cluster.members) if ((fewer.get(member.id) ?? 0) < limits.maxBindings) crowded.add(member)
    return emitted
  })
  const steps = [...fit(before), ...own, ...fit(after)]
  const { preloads } = memory
  return { plan: { steps, preloads, ...layArena(memory.slots, { steps, preloads, maxBlockBytes: limits.maxBlockBytes }) }, crowded, stiff }
}

function unlessTooLarge<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof DeviceError && error.code === 'limit') return null
    throw error
  }
}

function copySlot(from: number, to: number, { shape, dtype }: Value, memory: Memory): Step {
  const whole = { shape, walk: dense(shape) }
  return finishLoop({ shape, reduced: 0, body: [{ fn: 'load', touch: { ...whole, slot: from, written: false }, dtype }], results: [{ value: 0, touch: { ...whole, slot: to, written: true } }] }, memory, 'result')
}

function emitCluster(cluster: Cluster, locations: Locations, memory: Memory): Step[] {
  if (![...cluster.members].some(member => sizeOf(member.shape) > 0)) return []
  if (cluster.kind === 'matmul') return [emitMatmul(cluster, locations, memory)]
  if (cluster.kind === 'opaque') return emitOpaque(cluster, locations, memory)
  return emitLoop(cluster, locations, memory)
}
