// Compiled kernels of one device: a kernel equal as data to an earlier one, in this plan or another, shares its pipeline.
import { DeviceError } from '../../errors.js'
import { kernelKey, type Kernel } from '../../plan/kernel.js'
import type { Faults } from './faults.js'
import { generate } from './generate.js'
import type { GpuProgram } from './kernels/gpu-program.js'
import type { GpuTraits } from './traits.js'
import type { Tunables } from './tuning/tunables.js'

export interface Compiled {
  readonly program: GpuProgram
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
}

const COMPUTE_STAGE = 4
/** Shapes that keep changing must not fill memory; executables hold the pipelines they use themselves. */
const KEPT_KERNELS = 1024

/** Sets an entry, and drops the oldest one above the limit. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value)
  for (const oldest of map.keys()) {
    if (map.size <= KEPT_KERNELS) return
    map.delete(oldest)
  }
}

export class PipelineCache {
  readonly #device: GPUDevice
  readonly #faults: Faults
  readonly #traits: GpuTraits
  readonly #tunables: Tunables
  readonly #created: () => void
  readonly #byKernel = new Map<string, readonly Compiled[]>()
  readonly #byText = new Map<string, GPUComputePipeline>()
  readonly #layouts = new Map<number, { bindGroup: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>()

  constructor(device: GPUDevice, faults: Faults, traits: GpuTraits, tunables: Tunables, created: () => void) {
    this.#device = device
    this.#faults = faults
    this.#traits = traits
    this.#tunables = tunables
    this.#created = created
  }

  /** The dispatches of a kernel, in order; none where it has nothing to compute. */
  compile(kernel: Kernel, label: string): readonly Compiled[] {
    const { chooser } = this.#tunables
    const key = `${chooser?.keyOf(kernel) ?? ''}|${kernelKey(kernel)}`
    const known = this.#byKernel.get(key)
    if (known !== undefined) return known
    const compiled = generate(kernel, this.#traits, chooser).map((program): Compiled => {
      const { bindGroup } = this.#layoutFor(program.bindings.length, label)
      return { program, pipeline: this.#pipeline(program, label), layout: bindGroup }
    })
    keep(this.#byKernel, key, compiled)
    return compiled
  }

  #pipeline(program: GpuProgram, label: string): GPUComputePipeline {
    const text = `${program.bindings.length}\n${program.wgsl}`
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const name = `${label} [${program.variant}]`
    const { pipeline: layout } = this.#layoutFor(program.bindings.length, label)
    const pipeline = this.#faults.attribute(`kernel ${name}`, 'validation', () => {
      const module = this.#device.createShaderModule({ code: program.wgsl, label: name })
      return this.#device.createComputePipeline({ label: name, layout, compute: { module, entryPoint: 'main' } })
    })
    keep(this.#byText, text, pipeline)
    this.#created()
    return pipeline
  }

  #layoutFor(count: number, label: string): { bindGroup: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    if (count > this.#traits.maxStorageBuffers)
      throw new DeviceError(`webgpu: a kernel must bind at most ${this.#traits.maxStorageBuffers} buffers on this adapter, got ${count} (${label}); plan with fewer bindings`, 'limit')
    const known = this.#layouts.get(count)
    if (known !== undefined) return known
    const entries = Array.from({ length: count }, (_, binding): GPUBindGroupLayoutEntry => ({ binding, visibility: COMPUTE_STAGE, buffer: { type: 'storage' } }))
    const bindGroup = this.#device.createBindGroupLayout({ entries, label: `${count} buffers` })
    const made = { bindGroup, pipeline: this.#device.createPipelineLayout({ bindGroupLayouts: [bindGroup] }) }
    this.#layouts.set(count, made)
    return made
  }
}
