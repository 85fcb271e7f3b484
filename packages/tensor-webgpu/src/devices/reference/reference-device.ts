// The reference device: the readable definition of every operation, in float64. Slow on purpose; it judges the other two.
import { roundToHalf, type Dtype, type TypedArray } from '../../dtype.js'
import { DeviceError } from '../../errors.js'
import type { Vertex } from '../../graph/vertex.js'
import type { Program } from '../../graph/program.js'
import { sizeOf } from '../../shape.js'
import { withdrawDefaultDevice } from '../default-device.js'
import type { Copy, Device, DeviceCounts, Executable, Storage } from '../device.js'
import { evaluate, type Values } from './evaluate.js'

interface ReferenceStorage extends Storage {
  values: Values
}

function unpack(values: Values, dtype: Dtype): TypedArray {
  if (dtype === 'i32') return Int32Array.from(values)
  if (dtype === 'u32') return Uint32Array.from(values)
  if (dtype === 'bool') return Uint8Array.from(values)
  return values.slice()
}

class ReferenceDevice implements Device {
  readonly kind = 'reference'
  readonly description = 'float64 loops'
  readonly counts: DeviceCounts = { dispatches: 0, submits: 0, buffersCreated: 0, bindGroupsCreated: 0, pipelinesCreated: 0, liveBytes: 0, peakBytes: 0 }
  readonly #storages = new Map<Storage, ReferenceStorage>()
  #closed = false

  supports(): boolean {
    return true
  }

  allocate(dtype: Dtype, length: number): Storage {
    const storage = { dtype, length, values: new Float64Array(length) }
    this.#storages.set(storage, storage)
    this.counts.buffersCreated++
    this.counts.liveBytes += length * 8
    this.counts.peakBytes = Math.max(this.counts.peakBytes, this.counts.liveBytes)
    return storage
  }

  free(storage: Storage): void {
    if (this.#storages.delete(storage)) this.counts.liveBytes -= storage.length * 8
  }

  #find(storage: Storage): ReferenceStorage {
    if (this.#closed) throw new DeviceError('reference: the device must be open, got one after close(); request another', 'closed')
    const found = this.#storages.get(storage)
    if (found === undefined) throw new DeviceError('reference: the storage must be live and of this device, got a freed or foreign one')
    return found
  }

  write(storage: Storage, data: TypedArray): void {
    const { dtype } = storage
    this.#find(storage).values.set(dtype === 'bool' ? Float64Array.from(data, value => (value !== 0 ? 1 : 0)) : dtype === 'f16' ? Float64Array.from(data, roundToHalf) : data)
  }

  async read(storage: Storage): Promise<TypedArray> {
    return unpack(this.#find(storage).values, storage.dtype)
  }

  prepare(program: Program): Executable {
    return {
      run: (storages, copies) => {
        this.#copy(copies?.before)
        this.#execute(program, storages)
        this.#copy(copies?.after)
      },
      dispose: () => {},
      explain: () => program.nodes.map(node => `${node.operation.kind} (${node.shape.join(', ')}) ${node.dtype}`).join('\n'),
    }
  }

  #copy(copies: readonly Copy[] = []): void {
    for (const { from, to } of copies) this.#find(to).values.set(this.#find(from).values)
  }

  #execute(program: Program, storages: readonly Storage[]): void {
    this.counts.submits++
    const values = new Map<Vertex, readonly Values[]>()
    program.externals.forEach(({ source }, i) => {
      // A copy: a result may be written over the value it came from.
      if (source !== null) values.set(source, [this.#find(storages[i]).values.slice()])
    })
    const valueOf = (node: Vertex): Values => {
      // A part may also be given from outside: then its whole was not computed here.
      const found = values.get(node)?.[0] ?? (node.operation.kind === 'part' ? values.get(node.inputs[0])?.[node.operation.index] : undefined)
      if (found === undefined) throw new DeviceError(`reference: inputs must be computed before use, got none for ${node.operation.kind}`)
      return found
    }
    for (const node of program.nodes) {
      if (values.has(node) || node.operation.kind === 'part') continue
      this.counts.dispatches++
      values.set(node, evaluate(node, node.inputs.map(valueOf)))
    }
    program.externals.forEach(({ result }, i) => {
      if (result !== null) this.#find(storages[i]).values.set(valueOf(result).subarray(0, sizeOf(result.shape)))
    })
  }

  close(): void {
    this.#closed = true
    this.#storages.clear()
    withdrawDefaultDevice(this)
  }
}

export const createReferenceDevice = (): Device => new ReferenceDevice()
