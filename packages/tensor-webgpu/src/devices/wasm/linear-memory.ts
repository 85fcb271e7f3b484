// The device's one WebAssembly.Memory: allocation, growth, and typed views that stay valid when it grows.
import { DeviceError } from '../../errors.js'
import type { DeviceCounts } from '../device.js'
import { align64, CONTROL_BYTES } from './control.js'
import { Allocator } from './allocator.js'
import type { MemoryLimits } from './emit/module-builder.js'

const PAGE = 65536
/** Where the host cannot reserve 4 GiB of addresses, less is asked for. */
const MAXIMUM_PAGES = [65536, 32768, 16384, 8192, 4096]
const INITIAL_PAGES = 64
/** Growth by at least this much, or by an eighth: each growth may move an unshared memory. */
const GROWTH_PAGES = 256

export class LinearMemory {
  readonly memory: WebAssembly.Memory
  readonly limits: MemoryLimits
  readonly #allocator = new Allocator(CONTROL_BYTES)
  readonly #counts: DeviceCounts
  #buffer: ArrayBufferLike
  #words: Int32Array
  #bytes: Uint8Array

  constructor(shared: boolean, counts: DeviceCounts) {
    const { memory, maximum } = reserve(shared)
    this.memory = memory
    this.limits = { initial: INITIAL_PAGES, maximum, shared }
    this.#counts = counts
    this.#buffer = memory.buffer
    this.#words = new Int32Array(this.#buffer)
    this.#bytes = new Uint8Array(this.#buffer)
    this.#allocator.extend(this.#buffer.byteLength)
  }

  get words(): Int32Array {
    this.#refresh()
    return this.#words
  }

  get bytes(): Uint8Array {
    this.#refresh()
    return this.#bytes
  }

  get buffer(): ArrayBufferLike {
    this.#refresh()
    return this.#buffer
  }

  #refresh(): void {
    if (this.memory.buffer === this.#buffer) return
    this.#buffer = this.memory.buffer
    this.#words = new Int32Array(this.#buffer)
    this.#bytes = new Uint8Array(this.#buffer)
  }

  /** `what` names the request in the error that tells of exhaustion. */
  allocate(bytes: number, what: string): number {
    const start = this.#allocator.allocate(bytes) ?? this.#grow(bytes, what)
    this.#counts.buffersCreated++
    this.#counts.liveBytes += this.#allocator.sizeOf(start)
    this.#counts.peakBytes = Math.max(this.#counts.peakBytes, this.#counts.liveBytes)
    return start
  }

  free(start: number): void {
    this.#counts.liveBytes -= this.#allocator.sizeOf(start)
    this.#allocator.free(start)
  }

  #grow(bytes: number, what: string): number {
    const before = this.buffer.byteLength
    const missing = Math.ceil((align64(bytes) - this.#allocator.tail) / PAGE)
    const comfortable = Math.max(missing, GROWTH_PAGES, Math.ceil(before / PAGE / 8))
    const grown = [comfortable, missing].some(pages => before / PAGE + pages <= this.limits.maximum && this.#tryGrow(pages))
    if (grown) this.#allocator.extend(this.buffer.byteLength)
    const start = grown ? this.#allocator.allocate(bytes) : null
    if (start === null) {
      const used = `${megabytes(this.#counts.liveBytes)} of ${megabytes(this.limits.maximum * PAGE)} in use`
      throw new DeviceError(`wasm: ${what} must fit in memory, got ${megabytes(bytes)} with ${used}; dispose tensors or use smaller batches`, 'out-of-memory')
    }
    return start
  }

  #tryGrow(pages: number): boolean {
    try {
      this.memory.grow(pages)
      return true
    } catch {
      return false
    }
  }
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

function reserve(shared: boolean): { readonly memory: WebAssembly.Memory; readonly maximum: number } {
  let cause: unknown = null
  for (const maximum of MAXIMUM_PAGES) {
    try {
      return { memory: new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared }), maximum }
    } catch (error) {
      cause = error
    }
  }
  throw new DeviceError(`wasm: the host must give a WebAssembly.Memory, got ${String(cause)}; close other devices or tabs`, 'out-of-memory')
}
