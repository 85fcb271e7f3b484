// A plan made ready on a device: pipelines and bind groups are built once, a run only encodes and submits.
import { bytesPerElement } from '../../dtype.js'
import { DeviceError, DisposedError } from '../../errors.js'
import type { PlanTable } from '../../plan/explain.js'
import type { Plan, Region, Step } from '../../plan/plan.js'
import type { Copy, Executable, Storage } from '../device.js'
import type { Arena } from './arena.js'
import { explainDispatches } from './explain.js'
import type { Compiled, PipelineCache } from './pipelines.js'
import type { GpuStorage } from './memory.js'
import type { Recorder } from './recorder.js'
import type { GpuTraits } from './traits.js'
import type { Tunables } from './tuning/tunables.js'

/** What an executable needs of its device. */
export interface ExecutableHost {
  readonly gpu: GPUDevice
  readonly traits: GpuTraits
  readonly arena: Arena
  readonly pipelines: PipelineCache
  readonly recorder: Recorder
  readonly tunables: Tunables
  /** A buffer that nothing else uses, for regions of no elements: they may not lie inside memory that another binding writes. */
  readonly emptyBuffer: GPUBuffer
  resolve(storage: Storage): GpuStorage
  /** Bytes of this storage; checks that it is live. */
  bindGroup(descriptor: GPUBindGroupDescriptor): GPUBindGroup
}

interface Dispatch {
  readonly compiled: Compiled
  readonly step: Step
  /** Numbers of the externals that its bindings touch. */
  readonly externals: readonly number[]
  /** Bind groups by the identities of those externals. */
  readonly groups: Map<string, GPUBindGroup>
}

/** Bind groups kept per dispatch: callers alternate between a few sets of storages at most. */
const KEPT_GROUPS = 16

export class GpuExecutable implements Executable {
  readonly #host: ExecutableHost
  readonly #plan: Plan
  #dispatches: readonly Dispatch[]
  /** Of the arena and of the pipelines that groups and dispatches were made for. */
  #generation = -1
  #compiled: number
  #bound: readonly Storage[] = []
  #groups: GPUBindGroup[] = []
  #disposed = false

  constructor(plan: Plan, host: ExecutableHost) {
    this.#host = host
    this.#plan = plan
    for (const { kernel, regions } of plan.steps) host.tunables.remember({ kernel, lengths: regions.map(({ length }) => length) })
    this.#compiled = host.tunables.generation
    this.#dispatches = this.#compile()
    host.arena.reserve(plan.arenaBlocks)
  }

  #compile(): Dispatch[] {
    const plan = this.#plan
    return plan.steps.flatMap(step => this.#host.pipelines.compile(step.kernel, step.label).map((compiled): Dispatch => {
      const externals = compiled.program.bindings.flatMap(binding => plan.slots[step.regions[binding].slot].external ?? [])
      return { compiled, step, externals: [...new Set(externals)], groups: new Map() }
    }))
  }

  run(storages: readonly Storage[], copies: { readonly before?: readonly Copy[]; readonly after?: readonly Copy[] } = {}): void {
    if (this.#disposed) throw new DisposedError('run: the executable must be live, got a disposed one')
    if (this.#compiled !== this.#host.tunables.generation) this.#renew()
    this.#bind(storages)
    const { recorder } = this.#host
    recorder.begin()
    for (const copy of copies.before ?? []) recorder.copy(this.#host.resolve(copy.from), this.#host.resolve(copy.to))
    this.#preload(storages)
    this.#dispatches.forEach(({ compiled }, i) => recorder.dispatch(compiled.pipeline, this.#groups[i], compiled.program.workgroups))
    for (const copy of copies.after ?? []) recorder.copy(this.#host.resolve(copy.from), this.#host.resolve(copy.to))
    recorder.submit()
  }

  #preload(storages: readonly Storage[]): void {
    for (const { external, slot, offset } of this.#plan.preloads) {
      const { block, arenaOffset, dtype } = this.#plan.slots[slot]
      const bytes = bytesPerElement[dtype]
      this.#host.recorder.copyOut(this.#host.resolve(storages[external]), this.#host.arena.block(block), bytes, arenaOffset + offset * bytes)
    }
  }

  /** A tuner has made choices since. */
  #renew(): void {
    this.#compiled = this.#host.tunables.generation
    this.#dispatches = this.#compile()
    this.#bound = []
    this.#generation = -1
  }

  #bind(storages: readonly Storage[]): void {
    this.#host.arena.reserve(this.#plan.arenaBlocks)
    const moved = this.#generation !== this.#host.arena.generation
    if (!moved && storages.length === this.#bound.length && storages.every((storage, i) => storage === this.#bound[i])) return
    if (moved) for (const { groups } of this.#dispatches) groups.clear()
    const resolved = storages.map(storage => this.#host.resolve(storage))
    this.#plan.slots.forEach(slot => {
      if (slot.external === null) return
      const storage = resolved[slot.external]
      if (storage === undefined) throw new DeviceError(`run: external ${slot.external} must be given, got ${storages.length} storages`)
      if (storage.length < slot.length) throw new DeviceError(`run: external ${slot.external} must hold ${slot.length} elements, got ${storage.length}`)
    })
    this.#groups = this.#dispatches.map(dispatch => this.#groupFor(dispatch, resolved))
    this.#bound = [...storages]
    this.#generation = this.#host.arena.generation
  }

  #groupFor(dispatch: Dispatch, storages: readonly GpuStorage[]): GPUBindGroup {
    const { step, compiled, groups } = dispatch
    const key = dispatch.externals.map(external => storages[external].id).join(' ')
    const known = groups.get(key)
    if (known !== undefined) return known
    if (groups.size >= KEPT_GROUPS) groups.clear()
    const entries = compiled.program.bindings.map((binding, slot): GPUBindGroupEntry => ({ binding: slot, resource: this.#resource(step, binding, slot, storages) }))
    const group = this.#host.bindGroup({ layout: compiled.layout, entries, label: step.label })
    groups.set(key, group)
    return group
  }

  #resource(step: Step, binding: number, slot: number, storages: readonly GpuStorage[]): GPUBufferBinding {
    const region: Region = step.regions[binding]
    const { external, block, arenaOffset, dtype } = this.#plan.slots[region.slot]
    if (region.length === 0) return { buffer: this.#host.emptyBuffer, offset: slot * 256, size: 16 }
    // in whole vec4s: memory is handed out in steps of 256 bytes, so the surplus belongs to nobody else
    const size = Math.ceil((region.length * bytesPerElement[dtype]) / 16) * 16
    const { maxBindingBytes } = this.#host.traits
    if (size > maxBindingBytes)
      throw new DeviceError(`webgpu: one kernel may bind at most ${maxBindingBytes} bytes of a tensor on this adapter, got ${size} (${step.label}); split the tensor`, 'limit')
    const inside = region.offset * bytesPerElement[dtype]
    if (external === null) return { buffer: this.#host.arena.block(block), offset: arenaOffset + inside, size }
    return { buffer: storages[external].buffer, offset: storages[external].offset + inside, size }
  }

  dispose(): void {
    this.#disposed = true
    this.#groups = []
    this.#bound = []
    for (const { groups } of this.#dispatches) groups.clear()
  }

  explain(write: PlanTable): string {
    return explainDispatches(this.#plan, this.#dispatches, write)
  }
}
