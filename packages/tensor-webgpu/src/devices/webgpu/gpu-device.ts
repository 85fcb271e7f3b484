// The WebGPU device: memory, pipelines, runs and reads on one GPUDevice. How it was found is webgpu-device.ts.
import { bytesPerElement, type Dtype, type TypedArray } from '../../dtype.js'
import { DeviceError, DtypeError } from '../../errors.js'
import type { Program } from '../../graph/program.js'
import type { Kernel } from '../../plan/kernel.js'
import { planProgram } from '../../plan/plan-program.js'
import type { Plan, SlotMaker, Step } from '../../plan/plan.js'
import { withdrawDefaultDevice } from '../default-device.js'
import type { Device, DeviceCounts, Executable, Storage } from '../device.js'
import { Arena } from './arena.js'
import { GpuExecutable } from './executable.js'
import { Faults } from './faults.js'
import { printKernel } from './generate.js'
import { arrayFrom, bytesOf } from './host-data.js'
import { GpuMemory, type GpuStorage } from './memory.js'
import { PipelineCache } from './pipelines.js'
import { Recorder } from './recorder.js'
import { StagingRing } from './staging.js'
import { describeAdapter, traitsOf, type GpuLimits, type GpuTraits } from './traits.js'
import { Tunables } from './tuning/tunables.js'
import type { Tuning } from './tuning/tuning.js'
import type { TuneOptions } from './tuning/tune.js'

// GPUBufferUsage and GPUMapMode are globals that Node lacks
const usage = { mapRead: 1, copySrc: 4, copyDst: 8, storage: 128 } as const
const MAP_READ = 1
/** Columns of the usual tile on a GPU. */
const GPU_TILE = 64
/** Software adapters have tiles of 32 columns; half of it, so that a normalisation is stored: applying it in every tile takes them 3-6 % of a step longer. */
const SOFTWARE_TILE = 16
/** Only buffers this large are worth an error scope of their own. */
const SCOPED_BYTES = 1 << 20

/** Steps that do the same with at most so many bytes of a tensor bound at once. */
export type Splitter = (step: Step, memory: SlotMaker, maxBindingBytes: number) => Step[]

export class WebgpuDevice implements Device {
  readonly kind = 'webgpu'
  readonly description: string
  readonly traits: GpuTraits
  readonly gpu: GPUDevice
  readonly #counts: DeviceCounts = { dispatches: 0, submits: 0, buffersCreated: 0, bindGroupsCreated: 0, pipelinesCreated: 0, liveBytes: 0, peakBytes: 0 }
  readonly #faults: Faults
  readonly #memory: GpuMemory
  readonly #staging: StagingRing
  readonly #arena: Arena
  readonly #pipelines: PipelineCache
  readonly #recorder: Recorder
  readonly #tunables = new Tunables()
  readonly #info: GPUAdapterInfo
  #tuning: Promise<Tuning> | null = null
  readonly #splitter: Splitter | null
  readonly #storages = new WeakMap<Storage, GpuStorage>()
  #empty: GPUBuffer | null = null

  /** `halves`: whether kernels with f16 were seen to work here. `splitter`: for tensors larger than a binding; without it they are refused. */
  constructor(gpu: GPUDevice, info: GPUAdapterInfo, { halves = gpu.features.has('shader-f16'), limits = {}, splitter = null }: { halves?: boolean; limits?: GpuLimits; splitter?: Splitter | null } = {}) {
    this.gpu = gpu
    this.description = describeAdapter(info)
    this.traits = { ...traitsOf(gpu, info, limits), f16: halves }
    this.#info = info
    this.#splitter = splitter
    this.#faults = new Faults(gpu)
    const create = (bytes: number, label: string): GPUBuffer => this.#createBuffer(bytes, usage.storage | usage.copySrc | usage.copyDst, label)
    const release = (buffer: GPUBuffer): void => this.#releaseBuffer(buffer)
    this.#memory = new GpuMemory(create, release, this.traits)
    this.#staging = new StagingRing(bytes => this.#createBuffer(bytes, usage.mapRead | usage.copyDst, 'staging'), release, this.traits.maxBufferBytes)
    this.#arena = new Arena(create, release, this.traits.maxBufferBytes)
    this.#pipelines = new PipelineCache(gpu, this.#faults, this.traits, this.#tunables, () => void this.#counts.pipelinesCreated++)
    this.#recorder = new Recorder(gpu, this.#counts, create, release)
  }

  /** Computes on the CPU: `requestDevice()` prefers WASM to it. */
  get isSoftware(): boolean {
    return this.traits.software
  }

  get counts(): Readonly<DeviceCounts> {
    return this.#counts
  }

  #createBuffer(bytes: number, flags: number, label: string): GPUBuffer {
    if (bytes > this.traits.maxBufferBytes)
      throw new DeviceError(`webgpu: a buffer must be at most ${this.traits.maxBufferBytes} bytes on this adapter, got ${bytes} (${label})`, 'memory')
    const make = (): GPUBuffer => this.gpu.createBuffer({ size: bytes, usage: flags, label })
    const buffer = bytes < SCOPED_BYTES ? make() : this.#faults.attribute(`memory for ${label} (${bytes} bytes)`, 'out-of-memory', make)
    this.#counts.buffersCreated++
    this.#counts.liveBytes += bytes
    this.#counts.peakBytes = Math.max(this.#counts.peakBytes, this.#counts.liveBytes)
    return buffer
  }

  #releaseBuffer(buffer: GPUBuffer): void {
    this.#counts.liveBytes -= buffer.size
    buffer.destroy()
  }

  #resolve(storage: Storage): GpuStorage {
    const known = this.#storages.get(storage)
    if (known === undefined || !this.#memory.has(known.id)) throw new DeviceError('webgpu: a storage must be live on this device, got one that was freed or belongs to another', 'storage')
    return known
  }

  get maxTensorBytes(): number {
    return this.traits.maxBufferBytes
  }

  supports(dtype: Dtype): boolean {
    return dtype !== 'f16' || this.traits.f16
  }

  allocate(dtype: Dtype, length: number): Storage {
    this.#faults.check()
    if (!this.supports(dtype)) throw new DtypeError(`webgpu: f16 must work on the adapter, which it does not on ${this.description}; use f32 on this device`)
    const storage = this.#memory.allocate(dtype, length, length * bytesPerElement[dtype])
    this.#storages.set(storage, storage)
    return storage
  }

  free(storage: Storage): void {
    this.#memory.free(this.#resolve(storage).id)
  }

  write(storage: Storage, data: TypedArray): void {
    this.#faults.check()
    const { buffer, offset, dtype, length } = this.#resolve(storage)
    if (length > 0) this.gpu.queue.writeBuffer(buffer, offset, bytesOf(dtype, length, data))
  }

  async read(storage: Storage): Promise<TypedArray> {
    this.#faults.check()
    const source = this.#resolve(storage)
    const bytes = Math.ceil((source.length * bytesPerElement[source.dtype]) / 4) * 4
    if (bytes === 0) {
      await this.#faults.settle()
      return arrayFrom(source.dtype, 0, new ArrayBuffer(0))
    }
    const staging = this.#staging.take(bytes)
    this.#recorder.begin()
    this.#recorder.copyOut(source, staging, bytes)
    this.#recorder.submit()
    try {
      await staging.mapAsync(MAP_READ, 0, bytes)
    } catch (error) {
      await this.#faults.settle()
      // a map is aborted when its device is lost, which is reported a moment later
      if (error instanceof Error && error.name === 'AbortError') throw await this.#faults.lost
      throw new DeviceError(`webgpu: reading must succeed, got ${String(error)}`, 'read')
    }
    const data = arrayFrom(source.dtype, source.length, staging.getMappedRange(0, bytes).slice(0))
    staging.unmap()
    this.#staging.give(staging)
    await this.#faults.settle()
    return data
  }

  prepare(program: Program): Executable {
    const { maxStorageBuffers, maxBindingBytes, maxBufferBytes, software } = this.traits
    return this.preparePlan(planProgram(program, { maxBindings: maxStorageBuffers, maxBlockBytes: maxBufferBytes, tileWidth: software ? SOFTWARE_TILE : GPU_TILE, split: (step, memory) => this.#splitter?.(step, memory, maxBindingBytes) ?? [step] }))
  }

  /** Makes a plan ready that was planned elsewhere, or written by hand. */
  preparePlan(plan: Plan): Executable {
    this.#faults.check()
    this.#empty ??= this.#createBuffer(256 * 64, usage.storage, 'empty regions')
    return new GpuExecutable(plan, {
      gpu: this.gpu,
      traits: this.traits,
      arena: this.#arena,
      pipelines: this.#pipelines,
      recorder: this.#recorder,
      emptyBuffer: this.#empty,
      tunables: this.#tunables,
      resolve: storage => this.#resolve(storage),
      bindGroup: descriptor => {
        this.#counts.bindGroupsCreated++
        return this.#faults.attribute(`bindings of ${descriptor.label ?? 'a kernel'}`, 'validation', () => this.gpu.createBindGroup(descriptor))
      },
    })
  }

  /** The tuner, whose code is loaded when it is first asked for. */
  get tuning(): Promise<Tuning> {
    this.#tuning ??= import('./tuning/tuning.js').then(({ Tuning: Tuner }) => new Tuner(this.#tunables, this.gpu, this.#info, this.traits))
    return this.#tuning
  }

  async tune(options: TuneOptions = {}): Promise<string> {
    this.#faults.check()
    const text = await (await this.tuning).run(options)
    await this.#faults.settle()
    return text
  }

  /** The WGSL that this device runs for a kernel. */
  printKernel(kernel: Kernel): string {
    return printKernel(kernel, this.traits, this.#tunables.chooser)
  }

  close(): void {
    withdrawDefaultDevice(this)
    this.#faults.close()
    this.gpu.destroy()
  }
}
