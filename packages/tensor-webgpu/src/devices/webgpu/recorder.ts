// One command encoder at a time, with one compute pass for all dispatches of a run, and one submit. Counts what it records.
import { bytesPerElement } from '../../dtype.js'
import { DeviceError } from '../../errors.js'
import type { BufferMaker, GpuStorage } from './memory.js'

export interface RecorderCounts {
  dispatches: number
  submits: number
}

export class Recorder {
  readonly #device: GPUDevice
  readonly #counts: RecorderCounts
  readonly #create: BufferMaker
  readonly #release: (buffer: GPUBuffer) => void
  #encoder: GPUCommandEncoder | null = null
  #pass: GPUComputePassEncoder | null = null
  #pipeline: GPUComputePipeline | null = null
  #between: GPUBuffer | null = null
  /** Outgrown, but named by commands that are not submitted yet. */
  readonly #outgrown: GPUBuffer[] = []

  constructor(device: GPUDevice, counts: RecorderCounts, create: BufferMaker, release: (buffer: GPUBuffer) => void) {
    this.#device = device
    this.#counts = counts
    this.#create = create
    this.#release = release
  }

  begin(): void {
    this.#encoder = this.#device.createCommandEncoder()
  }

  get #commands(): GPUCommandEncoder {
    if (this.#encoder === null) throw new DeviceError('webgpu: commands must be recorded between begin and submit')
    return this.#encoder
  }

  dispatch(pipeline: GPUComputePipeline, group: GPUBindGroup, [x, y]: readonly [number, number]): void {
    this.#pass ??= this.#commands.beginComputePass()
    if (this.#pipeline !== pipeline) this.#pass.setPipeline(pipeline)
    this.#pipeline = pipeline
    this.#pass.setBindGroup(0, group)
    this.#pass.dispatchWorkgroups(x, y)
    this.#counts.dispatches++
  }

  #endPass(): void {
    this.#pass?.end()
    this.#pass = null
    this.#pipeline = null
  }

  copy(from: GpuStorage, to: GpuStorage): void {
    if (from.dtype !== to.dtype || from.length !== to.length) throw new DeviceError(`copy: storages must match, got ${from.dtype} x ${from.length} and ${to.dtype} x ${to.length}`)
    const bytes = Math.ceil((from.length * bytesPerElement[from.dtype]) / 4) * 4
    if (bytes === 0 || from.id === to.id) return
    this.#endPass()
    if (from.buffer !== to.buffer) return this.#commands.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, bytes)
    // WebGPU forbids copies inside one buffer, and slabs are shared
    const between = this.#scratch(bytes)
    this.#commands.copyBufferToBuffer(from.buffer, from.offset, between, 0, bytes)
    this.#commands.copyBufferToBuffer(between, 0, to.buffer, to.offset, bytes)
  }

  #scratch(bytes: number): GPUBuffer {
    if (this.#between !== null && this.#between.size >= bytes) return this.#between
    if (this.#between !== null) this.#outgrown.push(this.#between)
    this.#between = this.#create(2 ** Math.ceil(Math.log2(Math.max(65536, bytes))), 'copies within a slab')
    return this.#between
  }

  /** Copies a storage's first bytes to another buffer, `at` bytes from its start. */
  copyOut(from: GpuStorage, to: GPUBuffer, bytes: number, at = 0): void {
    this.#endPass()
    this.#commands.copyBufferToBuffer(from.buffer, from.offset, to, at, bytes)
  }

  submit(): void {
    this.#endPass()
    this.#device.queue.submit([this.#commands.finish()])
    this.#encoder = null
    this.#counts.submits++
    for (const buffer of this.#outgrown.splice(0)) this.#release(buffer)
  }
}
