// Device memory: storages carved out of a few large buffers (slabs) at 256-byte steps, so that steady training creates no buffers.
// Large storages get buffers of their own. Not the arena of plans, which is one more buffer (arena.ts).
import type { Dtype } from '../../dtype.js'
import { DeviceError } from '../../errors.js'
import type { Storage } from '../device.js'

/** A piece of a GPU buffer. `id` is never reused, so caches keyed by it cannot confuse two storages. */
export interface GpuStorage extends Storage {
  readonly id: number
  readonly buffer: GPUBuffer
  /** In bytes. */
  readonly offset: number
  readonly bytes: number
}

interface Slab {
  readonly buffer: GPUBuffer
  readonly bytes: number
  /** Free ranges in ascending order, never adjacent. */
  free: { from: number; to: number }[]
}

const SLAB_BYTES = 4 << 20
/** Above this a storage gets its own buffer. */
const SHARED_BYTES = 1 << 20

/** Makes a buffer and reports its bytes; the device counts and labels it. */
export type BufferMaker = (bytes: number, label: string) => GPUBuffer

export class GpuMemory {
  readonly #create: BufferMaker
  readonly #release: (buffer: GPUBuffer) => void
  readonly #align: number
  readonly #slabBytes: number
  readonly #slabs: Slab[] = []
  readonly #owners = new Map<number, { slab: Slab | null; from: number; to: number; buffer: GPUBuffer }>()
  #nextId = 1

  constructor(create: BufferMaker, release: (buffer: GPUBuffer) => void, { offsetAlignment, maxBufferBytes }: { offsetAlignment: number; maxBufferBytes: number }) {
    this.#create = create
    this.#release = release
    this.#align = offsetAlignment
    this.#slabBytes = Math.min(SLAB_BYTES, maxBufferBytes)
  }

  allocate(dtype: Dtype, length: number, bytes: number): GpuStorage {
    const size = Math.max(1, Math.ceil(bytes / this.#align)) * this.#align
    const id = this.#nextId++
    if (size > Math.min(SHARED_BYTES, this.#slabBytes)) {
      const buffer = this.#create(size, `storage ${id}`)
      this.#owners.set(id, { slab: null, from: 0, to: size, buffer })
      return { dtype, length, id, buffer, offset: 0, bytes: size }
    }
    const { slab, from } = this.#take(size)
    this.#owners.set(id, { slab, from, to: from + size, buffer: slab.buffer })
    return { dtype, length, id, buffer: slab.buffer, offset: from, bytes: size }
  }

  #take(size: number): { slab: Slab; from: number } {
    for (const slab of this.#slabs) {
      const range = slab.free.find(free => free.to - free.from >= size)
      if (range === undefined) continue
      const from = range.from
      range.from += size
      if (range.from === range.to) slab.free = slab.free.filter(free => free !== range)
      return { slab, from }
    }
    const slab: Slab = { buffer: this.#create(this.#slabBytes, `slab ${this.#slabs.length}`), bytes: this.#slabBytes, free: size === this.#slabBytes ? [] : [{ from: size, to: this.#slabBytes }] }
    this.#slabs.push(slab)
    return { slab, from: 0 }
  }

  free(id: number): void {
    const owner = this.#owners.get(id)
    if (owner === undefined) throw new DeviceError('free: the storage must be live on this device, got one that was freed or belongs to another', 'storage')
    this.#owners.delete(id)
    if (owner.slab === null) return this.#release(owner.buffer)
    const merged: { from: number; to: number }[] = []
    for (const range of [...owner.slab.free, { from: owner.from, to: owner.to }].sort((a, b) => a.from - b.from)) {
      const last = merged.at(-1)
      if (last !== undefined && last.to === range.from) last.to = range.to
      else merged.push({ ...range })
    }
    owner.slab.free = merged
  }

  has(id: number): boolean {
    return this.#owners.has(id)
  }

  get liveStorages(): number {
    return this.#owners.size
  }
}
