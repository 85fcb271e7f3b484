// Compiled kernels by their key. All kernels that a plan lacks go into one module; workers find its bytes in the memory and compile their own.
import { DeviceError } from '../../errors.js'
import { kernelKey, type Kernel } from '../../plan/kernel.js'
import type { DeviceCounts } from '../device.js'
import { MAX_MODULES, MODULES } from './control.js'
import { compileKernel } from './kernels/compile.js'
import { KernelModule, type CompiledKernel } from './kernels/kernel-module.js'
import type { LinearMemory } from './linear-memory.js'

export interface LoadedPhase {
  readonly module: number
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

export class KernelCache {
  readonly #memory: LinearMemory
  readonly #counts: DeviceCounts
  readonly #kernels = new Map<string, LoadedKernel>()
  #modules = 0

  constructor(memory: LinearMemory, counts: DeviceCounts) {
    this.#memory = memory
    this.#counts = counts
  }

  /** The kernels, compiled, in the order given. */
  load(kernels: readonly Kernel[]): LoadedKernel[] {
    const keys = kernels.map(kernelKey)
    const missing = new Map<string, Kernel>()
    keys.forEach((key, i) => {
      if (!this.#kernels.has(key)) missing.set(key, kernels[i])
    })
    if (missing.size > 0) this.#compile(missing)
    return keys.map(key => this.#kernels.get(key) ?? { phases: [], sharedBytes: 0, threadBytes: 0 })
  }

  #compile(missing: ReadonlyMap<string, Kernel>): void {
    const module = new KernelModule()
    const compiled = new Map<string, CompiledKernel>()
    for (const [key, kernel] of missing) compiled.set(key, compileKernel(module, kernel))
    const bytes = module.builder.encode(this.#memory.limits)
    const host = { memory: this.#memory.memory, sin: Math.sin, cos: Math.cos, pow: Math.pow }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host })
    const number = this.#publish(bytes)
    for (const [key, kernel] of compiled) {
      const phases = kernel.phases.map(({ exported, units, chunk }): LoadedPhase => {
        const call = exports[exported]
        if (typeof call !== 'function') throw new TypeError(`wasm: the module must export ${exported}`)
        return { module: number, index: Number(exported.slice(1)), units, chunk, call: (frame, scratch, begin, end) => void call(frame, scratch, begin, end) }
      })
      this.#kernels.set(key, { ...kernel, phases })
      this.#counts.pipelinesCreated++
    }
  }

  /** Puts a module's bytes where workers find them: they compile on first use, whenever that is. */
  #publish(bytes: Uint8Array): number {
    const number = this.#modules++
    if (!this.#memory.limits.shared) return number
    if (number >= MAX_MODULES) throw new DeviceError(`wasm: at most ${MAX_MODULES} programs can be compiled, got one more; reuse compiled functions`, 'limit')
    const start = this.#memory.allocate(bytes.length, 'compiled kernels')
    this.#memory.bytes.set(bytes, start)
    this.#memory.words[MODULES + 2 * number] = start
    this.#memory.words[MODULES + 2 * number + 1] = bytes.length
    return number
  }
}
