// Choosing a device. A device's code and kernels load only when it is asked for.
import { DeviceError } from '../errors.js'
import { offerDefaultDevice } from './default-device.js'
import type { Device, DeviceKind } from './device.js'
import type { GpuLimits } from './webgpu/traits.js'
import type { TuningStore } from './webgpu/tuning/store.js'

export interface DeviceOptions {
  /** WASM: how many threads compute, the calling one included. The hardware's number, at most 8, by default. */
  threads?: number
  /** WebGPU: a name that the adapter's must contain, such as 'llvmpipe'. In Node only. */
  adapter?: string
  powerPreference?: 'low-power' | 'high-performance'
  /** WebGPU: where adapters come from, instead of `navigator.gpu` or the package `webgpu`. */
  gpu?: GPU
  /** WebGPU: use what `tune()` measured on this adapter before, kept in the host's store (true) or in one of your own. */
  tuning?: boolean | TuningStore
  /** WebGPU: work within less than the adapter gives, as on a smaller one: bytes of a buffer and of a binding, bindings of a kernel. */
  limits?: GpuLimits
}

/**
 * Gives a device; the first one requested becomes the default for new tensors. Without a kind: WebGPU if there is a real GPU, else WASM.
 * Software adapters and the float64 reference are used only by name.
 *
 * @throws DeviceError naming what is missing and the remedy.
 * @example
 * const device = await requestDevice()            // or 'wasm', 'webgpu', 'reference'
 * const x = tensor([1, 2, 3])
 * console.log(device.kind, await x.mul(2).data()) // Float32Array [2, 4, 6]
 */
export async function requestDevice(kind: DeviceKind | 'auto' = 'auto', options: DeviceOptions = {}): Promise<Device> {
  const device = await open(kind, options)
  offerDefaultDevice(device)
  return device
}

async function open(kind: DeviceKind | 'auto', options: DeviceOptions): Promise<Device> {
  if (kind === 'reference') return (await import('./reference/reference-device.js')).createReferenceDevice()
  if (kind === 'wasm') return (await import('./wasm/wasm-device.js')).requestWasmDevice(options)
  if (kind === 'webgpu') return (await import('./webgpu/webgpu-device.js')).requestWebgpuDevice(options)
  if (kind !== 'auto') throw new DeviceError(`requestDevice: kind must be 'auto', 'webgpu', 'wasm' or 'reference', got '${String(kind)}'`)
  const hardware = await openHardware(options)
  return hardware ?? (await import('./wasm/wasm-device.js')).requestWasmDevice(options)
}

/** A WebGPU device on real hardware, or null: no WebGPU here, no adapter, or only a software one. */
async function openHardware(options: DeviceOptions): Promise<Device | null> {
  const { findsSoftwareAdapter, requestWebgpuDevice } = await import('./webgpu/webgpu-device.js')
  if ((await findsSoftwareAdapter(options)) !== false) return null
  try {
    return await requestWebgpuDevice(options)
  } catch (error) {
    // An adapter that gives no device is as good as none.
    if (error instanceof DeviceError || error instanceof DOMException || error instanceof TypeError) return null
    throw error
  }
}
