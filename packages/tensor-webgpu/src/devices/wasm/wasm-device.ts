// The WASM device: SIMD kernels in one linear memory, run by the calling thread and its workers. Runs are finished when `run` returns.
import { bytesPerElement, type Dtype, type TypedArray } from '../../dtype.js'
import { DeviceError, DtypeError } from '../../errors.js'
import type { Program } from '../../graph/program.js'
import { planProgram } from '../../plan/plan-program.js'
import type { Plan } from '../../plan/plan.js'
import { withdrawDefaultDevice } from '../default-device.js'
import { loadWanted } from '../optional-kernels.js'
import type { Copy, Device, DeviceCounts, Executable, Storage } from '../device.js'
import { WasmExecutable } from './executable.js'
import { KernelCache } from './kernel-cache.js'
import { loadKernel } from './kernels/compile.js'
import { N_BLOCK } from './kernels/matmul.js'
import { LinearMemory } from './linear-memory.js'
import { Scratch } from './scratch.js'
import { canShareMemory, defaultThreads } from './start-workers.js'
import { ThreadPool } from './thread-pool.js'

/** Kernels take any number of bindings. */
const MAX_BINDINGS = 64
/** Vector instructions of a GELU: see `activationCost` of plan.ts. */
const ACTIVATION = 40

export class WasmDevice implements Device {
  readonly kind = 'wasm'
  readonly description: string
  readonly counts: DeviceCounts
  readonly memory: LinearMemory
  readonly pool: ThreadPool
  readonly kernels: KernelCache
  readonly scratch: { readonly arena: Scratch; readonly shared: Scratch; readonly thread: Scratch }
  /** Address of each live storage. */
  readonly #storages = new Map<Storage, number>()
  closed = false

  constructor(memory: LinearMemory, counts: DeviceCounts, pool: ThreadPool) {
    this.memory = memory
    this.counts = counts
    this.pool = pool
    this.description = `${pool.threads} ${pool.threads === 1 ? 'thread' : 'threads'}, SIMD128`
    this.kernels = new KernelCache(memory, counts)
    this.scratch = { arena: new Scratch(memory, 'intermediate results'), shared: new Scratch(memory, 'scratch'), thread: new Scratch(memory, 'scratch') }
  }

  supports(dtype: Dtype): boolean {
    return dtype !== 'f16'
  }

  allocate(dtype: Dtype, length: number): Storage {
    this.#checkOpen()
    if (!this.supports(dtype)) throw new DtypeError('wasm: element types must be f32, i32, u32 or bool, got f16; use f32 on this device')
    const start = this.memory.allocate(length * bytesPerElement[dtype], `a tensor of ${length} elements`)
    const storage: Storage = { dtype, length }
    this.#storages.set(storage, start)
    return storage
  }

  free(storage: Storage): void {
    const start = this.#storages.get(storage)
    if (start === undefined || this.closed) return
    this.#storages.delete(storage)
    this.memory.free(start)
  }

  addressOf(storage: Storage): number {
    this.#checkOpen()
    const start = this.#storages.get(storage)
    if (start === undefined) throw new DeviceError('wasm: the storage must be live and of this device, got a freed or foreign one', 'storage')
    return start
  }

  write(storage: Storage, data: TypedArray): void {
    const start = this.addressOf(storage)
    if (data.length !== storage.length) throw new DeviceError(`wasm: write must be given ${storage.length} elements, got ${data.length}`)
    const { buffer } = this.memory
    if (storage.dtype === 'f32') new Float32Array(buffer, start, data.length).set(data)
    else if (storage.dtype === 'bool') new Uint32Array(buffer, start, data.length).set(data.map(value => (value !== 0 ? 1 : 0)))
    else new Int32Array(buffer, start, data.length).set(data)
  }

  async read(storage: Storage): Promise<TypedArray> {
    const start = this.addressOf(storage)
    const { buffer } = this.memory
    // copies, which lie in memory of their own: callers may keep and transfer them
    if (storage.dtype === 'f32') return new Float32Array(new Float32Array(buffer, start, storage.length))
    if (storage.dtype === 'i32') return new Int32Array(new Int32Array(buffer, start, storage.length))
    const words = new Uint32Array(buffer, start, storage.length)
    return storage.dtype === 'bool' ? new Uint8Array(words) : new Uint32Array(words)
  }

  copy(copies: readonly Copy[]): void {
    for (const { from, to } of copies) {
      const start = this.addressOf(from)
      this.memory.bytes.copyWithin(this.addressOf(to), start, start + from.length * bytesPerElement[from.dtype])
    }
  }

  prepare(program: Program): Executable {
    return this.preparePlan(planProgram(program, { maxBindings: MAX_BINDINGS, tileWidth: N_BLOCK, activationCost: ACTIVATION }))
  }

  preparePlan(plan: Plan): Executable {
    this.#checkOpen()
    return new WasmExecutable(this, plan)
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.#storages.clear()
    this.pool.close()
    withdrawDefaultDevice(this)
  }

  #checkOpen(): void {
    if (this.closed) throw new DeviceError('wasm: the device must be open, got one after close(); request another', 'closed')
  }
}

/**
 * Opens a WASM device. `threads` counts the calling thread too; by default as many as the hardware has, at most 8, where memory can be shared
 * (Node, and pages that are cross-origin isolated), else 1. Results do not depend on it.
 */
export async function requestWasmDevice({ threads = defaultThreads() }: { readonly threads?: number } = {}): Promise<WasmDevice> {
  if (!Number.isInteger(threads) || threads < 1) throw new DeviceError(`requestWasmDevice: threads must be a positive integer, got ${threads}`)
  const counts: DeviceCounts = { dispatches: 0, submits: 0, buffersCreated: 0, bindGroupsCreated: 0, pipelinesCreated: 0, liveBytes: 0, peakBytes: 0 }
  const wanted = canShareMemory() ? threads : 1
  const memory = new LinearMemory(wanted > 1, counts)
  const [pool] = await Promise.all([ThreadPool.start(memory, wanted), loadWanted(loadKernel)])
  return new WasmDevice(memory, counts, pool)
}
