// What every device offers. Tensors and compile know devices only through this; kernels and plans are a device's own affair.
import type { TuneOptions } from './webgpu/tuning/tune.js'
import type { Dtype, TypedArray } from '../dtype.js'
import type { Program } from '../graph/program.js'
import type { PlanTable } from '../plan/explain.js'

export type DeviceKind = 'reference' | 'wasm' | 'webgpu'

/** A piece of device memory holding `length` elements. Owned by the nodes that refer to it; freed once. */
export interface Storage {
  readonly dtype: Dtype
  readonly length: number
}

/** A program made ready to run many times. */
export interface Executable {
  /** Queues the work. `storages[i]` is what external i of the program stands for in this run; `copies` are made before or after it, in order. */
  run(storages: readonly Storage[], copies?: { readonly before?: readonly Copy[]; readonly after?: readonly Copy[] }): void
  /** Frees what only this executable holds. */
  dispose(): void
  /**
   * The plan as a table: kernel, fused operations, shape, dispatches, and the least megabytes and MFLOP it could take; totals at the end. `write` sets it: code that only
   * programs carry along that ask for it.
   */
  explain(write: PlanTable): string
}

export interface Copy {
  readonly from: Storage
  readonly to: Storage
}

/** Counts since the device was made (or since the caller last subtracted): the figures that hold on any hardware. */
export interface DeviceCounts {
  dispatches: number
  submits: number
  buffersCreated: number
  bindGroupsCreated: number
  pipelinesCreated: number
  /** Bytes now allocated on the device, arenas included, and their highest value. */
  liveBytes: number
  peakBytes: number
}

export interface Device {
  readonly kind: DeviceKind
  /** What answered: the adapter's description, or the number of threads. */
  readonly description: string
  readonly counts: Readonly<DeviceCounts>
  /** Whether tensors of this element type can be here: all can, but f16. */
  supports(dtype: Dtype): boolean
  /** Bytes of the largest tensor that can be here, where memory comes in pieces. */
  readonly maxTensorBytes?: number
  allocate(dtype: Dtype, length: number): Storage
  free(storage: Storage): void
  /** Overwrites a storage from the host. Ordered after all runs queued so far. */
  write(storage: Storage, data: TypedArray): void
  /** Reads a whole storage. Ordered after all runs queued so far; the only thing that waits. */
  read(storage: Storage): Promise<TypedArray>
  prepare(program: Program): Executable
  /**
   * Measures the ways to compute the kernels of everything prepared so far, and uses the fastest from then on. WebGPU only, and on request only:
   * it takes seconds. Gives the choices as JSON. Results keep their bits, unless `exact: false` also allows sums in another order.
   */
  tune?(options?: TuneOptions): Promise<string>
  /** Releases the device; later use is a DeviceError. */
  close(): void
}
