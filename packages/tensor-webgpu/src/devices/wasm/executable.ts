// A plan made ready to run: its kernels compiled, and for each step a frame in memory with the addresses of its bindings.
import { DeviceError } from '../../errors.js'
import { evaluateCustom } from '../../graph/definition.js'
import { denseCopy, type Access, type CustomKernel, type Kernel } from '../../plan/kernel.js'
import type { PlanTable } from '../../plan/explain.js'
import type { Plan } from '../../plan/plan.js'
import { sizeOf } from '../../shape.js'
import type { Copy, DeviceCounts, Executable, Storage } from '../device.js'
import { align64 } from './control.js'
import { explainKernels } from './explain.js'
import type { KernelCache, Lease } from './kernel-cache.js'
import { frameBytes } from './kernels/kernel-module.js'
import type { LinearMemory } from './linear-memory.js'
import type { Scratch } from './scratch.js'
import type { ThreadPool } from './thread-pool.js'

/** What an executable needs of its device. */
export interface ExecutableHost {
  readonly memory: LinearMemory
  readonly kernels: KernelCache
  readonly pool: ThreadPool
  readonly counts: DeviceCounts
  readonly closed: boolean
  /** Memory used by one run after another: for intermediate results, for all threads within a kernel, for each thread. */
  readonly scratch: { readonly arena: Scratch; readonly shared: Scratch; readonly thread: Scratch }
  addressOf(storage: Storage): number
  copy(copies: readonly Copy[]): void
}

export class WasmExecutable implements Executable {
  readonly #device: ExecutableHost
  readonly #plan: Plan
  readonly #lease: Lease
  /** Where the frames begin, and each step's distance from there. */
  readonly #frames: number
  readonly #frameOffsets: readonly number[]
  readonly #externals: number
  /** Addresses that the frames were last written for: externals, then arena and shared scratch. */
  #bound: readonly number[] = []
  #disposed = false

  constructor(device: ExecutableHost, plan: Plan) {
    this.#device = device
    this.#plan = plan
    this.#lease = device.kernels.load(plan.steps.map(step => step.kernel))
    let bytes = 0
    this.#frameOffsets = plan.steps.map(({ regions }) => {
      const offset = bytes
      bytes += frameBytes(regions.length)
      return offset
    })
    this.#externals = 1 + Math.max(-1, ...plan.slots.map(slot => slot.external ?? -1))
    this.#frames = device.memory.allocate(align64(bytes), 'a plan')
  }

  run(storages: readonly Storage[], copies: { readonly before?: readonly Copy[]; readonly after?: readonly Copy[] } = {}): void {
    if (this.#disposed) throw new DeviceError('wasm: the executable must be live, got one after dispose(); prepare the program again', 'disposed')
    this.#device.copy(copies.before ?? [])
    this.#bind(storages)
    this.#preload()
    const { counts, pool, scratch } = this.#device
    this.#lease.kernels.forEach(({ phases, threadBytes }, i) => {
      for (const phase of phases) pool.run(phase, this.#frames + this.#frameOffsets[i], scratch.thread.start, align64(threadBytes))
      counts.dispatches += phases.length > 0 ? 1 : 0
      const { kernel } = this.#plan.steps[i]
      if (kernel.kind === 'custom') this.#runCustom(kernel, i)
      else if (phases.length === 0) this.#runCopy(kernel, i)
    })
    counts.submits++
    this.#device.copy(copies.after ?? [])
  }

  #preload(): void {
    const { memory: { words }, scratch } = this.#device
    for (const { external, slot, offset } of this.#plan.preloads) words[(scratch.arena.start + this.#plan.slots[slot].arenaOffset) / 4 + offset] = words[this.#bound[external] / 4]
  }

  #runCopy(kernel: Kernel, step: number): void {
    const copy = denseCopy(kernel)
    if (copy === null) return
    const frame = (this.#frames + this.#frameOffsets[step]) / 4
    const { words } = this.#device.memory
    const start = ({ binding, offset }: Access): number => (words[frame + 1 + binding] >>> 2) + offset
    words.copyWithin(start(copy.to), start(copy.from), start(copy.from) + copy.length)
    this.#device.counts.dispatches++
  }

  #runCustom(kernel: CustomKernel, step: number): void {
    const frame = (this.#frames + this.#frameOffsets[step]) / 4
    const { words } = this.#device.memory
    const view = ({ binding, offset, shape, dtype }: CustomKernel['out']): Float32Array | Int32Array | Uint32Array => {
      const place = [words.buffer, (words[frame + 1 + binding] >>> 0) + 4 * offset, sizeOf(shape)] as const
      return dtype === 'f32' ? new Float32Array(...place) : dtype === 'i32' ? new Int32Array(...place) : new Uint32Array(...place)
    }
    this.#device.counts.dispatches++
    evaluateCustom(kernel.definition, kernel.operands.map(operand => ({ shape: operand.shape, dtype: operand.dtype, data: view(operand) })), view(kernel.out), 'wasm')
  }

  /** Makes room for the arena and scratch, and writes addresses into the frames where they changed. */
  #bind(storages: readonly Storage[]): void {
    if (storages.length < this.#externals) throw new DeviceError(`wasm: run must be given ${this.#externals} storages, got ${storages.length}`)
    const { scratch, pool } = this.#device
    scratch.arena.reserve(this.#plan.arenaBlocks[0] ?? 0)
    scratch.shared.reserve(Math.max(0, ...this.#lease.kernels.map(kernel => kernel.sharedBytes)))
    scratch.thread.reserve(pool.threads * Math.max(0, ...this.#lease.kernels.map(kernel => align64(kernel.threadBytes))))
    const addresses = Array.from({ length: this.#externals }, (_, i) => this.#device.addressOf(storages[i]))
    const now = [...addresses, scratch.arena.start, scratch.shared.start]
    if (now.length === this.#bound.length && now.every((address, i) => address === this.#bound[i])) return
    this.#bound = now
    const { words } = this.#device.memory
    this.#plan.steps.forEach(({ regions }, i) => {
      const frame = (this.#frames + this.#frameOffsets[i]) / 4
      words[frame] = scratch.shared.start
      regions.forEach(({ slot, offset }, binding) => {
        const { external, arenaOffset } = this.#plan.slots[slot]
        const start = external === null ? scratch.arena.start + arenaOffset : addresses[external]
        words[frame + 1 + binding] = start + 4 * offset
      })
    })
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#lease.release()
    if (!this.#device.closed) this.#device.memory.free(this.#frames)
  }

  explain(write: PlanTable): string {
    return explainKernels(this.#plan, this.#lease.kernels, write)
  }
}
