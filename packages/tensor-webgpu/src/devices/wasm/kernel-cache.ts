// Compiled kernels by their key. All kernels that a plan lacks go into one module; workers find its bytes in the memory and compile their own.
// Modules that no executable holds are dropped, oldest first, when there are many: eager code with changing constants makes new ones forever.
import { DeviceError } from '../../errors.js'
import { kernelKey, type Kernel } from '../../plan/kernel.js'
import type { DeviceCounts } from '../device.js'
import { MAX_MODULES, MODULE_WORDS, MODULES } from './control.js'
import { compileKernel } from './kernels/compile.js'
import { KernelModule, type CompiledKernel } from './kernels/kernel-module.js'
import type { LinearMemory } from './linear-memory.js'

/** A module in its slot of the table that workers read. Slots are used again; serial numbers are not. */
interface LoadedModule {
  readonly slot: number
  readonly serial: number
  /** Address of its bytes, or null where there are no workers. */
  readonly bytes: number | null
  readonly keys: readonly string[]
  holders: number
}

export interface LoadedPhase {
  readonly module: LoadedModule
  readonly index: number
  readonly units: number
  readonly chunk: number
  /** (frame, thread scratch, first unit, end unit). */
  readonly call: (frame: number, scratch: number, begin: number, end: number) => void
}

export interface LoadedKernel {
  readonly phases: readonly LoadedPhase[]
  readonly sharedBytes: number
  readonly threadBytes: number
}

/** Kernels in use: they stay compiled until released. */
export interface Lease {
  readonly kernels: readonly LoadedKernel[]
  release(): void
}

/** Modules kept although nobody holds them. */
const SPARE_MODULES = 256

export class KernelCache {
  readonly #memory: LinearMemory
  readonly #counts: DeviceCounts
  readonly #kernels = new Map<string, { readonly kernel: LoadedKernel; readonly module: LoadedModule }>()
  /** In order of last use. */
  readonly #modules = new Set<LoadedModule>()
  readonly #freeSlots: number[] = []
  #serial = 0

  constructor(memory: LinearMemory, counts: DeviceCounts) {
    this.#memory = memory
    this.#counts = counts
  }

  /** The kernels, compiled, in the order given. */
  load(kernels: readonly Kernel[]): Lease {
    const keys = kernels.map(kernelKey)
    const missing = new Map<string, Kernel>()
    keys.forEach((key, i) => {
      if (!this.#kernels.has(key)) missing.set(key, kernels[i])
    })
    // held before room is made: what this plan shares with earlier ones must not be dropped
    const held = new Set<LoadedModule>()
    const hold = (): void => {
      for (const key of keys) {
        const module = this.#kernels.get(key)?.module
        if (module !== undefined && !held.has(module)) this.#hold(module)
        if (module !== undefined) held.add(module)
      }
    }
    hold()
    if (missing.size > 0) {
      this.#makeRoom()
      this.#compile(missing)
      hold()
    }
    return {
      kernels: keys.flatMap(key => this.#kernels.get(key)?.kernel ?? []),
      release: () => {
        for (const module of held) module.holders--
        held.clear()
      },
    }
  }

  #hold(module: LoadedModule): void {
    module.holders++
    this.#modules.delete(module)
    this.#modules.add(module)
  }

  #makeRoom(): void {
    const spare = [...this.#modules].filter(module => module.holders === 0)
    for (const module of spare.slice(0, Math.max(0, spare.length - SPARE_MODULES))) {
      this.#modules.delete(module)
      this.#freeSlots.push(module.slot)
      if (module.bytes !== null) this.#memory.free(module.bytes)
      for (const key of module.keys) this.#kernels.delete(key)
    }
  }

  #compile(missing: ReadonlyMap<string, Kernel>): void {
    const code = new KernelModule()
    const compiled = new Map<string, CompiledKernel>()
    for (const [key, kernel] of missing) compiled.set(key, compileKernel(code, kernel))
    const bytes = code.builder.encode(this.#memory.limits)
    const host = { memory: this.#memory.memory, sin: Math.sin, cos: Math.cos, pow: Math.pow }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host })
    const module = this.#publish(bytes, [...missing.keys()])
    for (const [key, kernel] of compiled) {
      const phases = kernel.phases.map(({ exported, units, chunk }): LoadedPhase => {
        const call = exports[exported]
        if (typeof call !== 'function') throw new TypeError(`wasm: the module must export ${exported}`)
        return { module, index: Number(exported.slice(1)), units, chunk, call: (frame, scratch, begin, end) => void call(frame, scratch, begin, end) }
      })
      this.#kernels.set(key, { kernel: { ...kernel, phases }, module })
      if (phases.length > 0) this.#counts.pipelinesCreated++
    }
  }

  /** Puts a module's bytes where workers find them: they compile on first use, whenever that is. */
  #publish(bytes: Uint8Array, keys: readonly string[]): LoadedModule {
    const slot = this.#freeSlots.pop() ?? this.#modules.size
    if (slot >= MAX_MODULES) throw new DeviceError(`wasm: at most ${MAX_MODULES} compiled functions can be live, got one more; dispose those no longer needed`, 'limit')
    const start = this.#memory.limits.shared ? this.#memory.allocate(bytes.length, 'compiled kernels') : null
    const module: LoadedModule = { slot, serial: ++this.#serial, bytes: start, keys, holders: 0 }
    if (start !== null) {
      this.#memory.bytes.set(bytes, start)
      this.#memory.words.set([start, bytes.length], MODULES + MODULE_WORDS * slot)
    }
    this.#modules.add(module)
    return module
  }
}
