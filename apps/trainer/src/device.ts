// Opening the device that was asked for, and saying in a few words what it is.
import type { Precision } from '@abovo/nn-transformer'
import { requestDevice, setDefaultDevice, type Device } from '@abovo/tensor-webgpu'
import { Failure } from './failure.js'

export interface DeviceSettings {
  readonly device: 'auto' | 'webgpu' | 'wasm' | 'reference'
  readonly threads?: number | undefined
}

/** @throws DeviceError when what was named is not there. */
export async function openDevice({ device: kind, threads }: DeviceSettings): Promise<Device> {
  const device = await requestDevice(kind, threads === undefined ? {} : { threads })
  setDefaultDevice(device)
  return device
}

export const describeDevice = ({ kind, description }: Device): string => {
  const names = { webgpu: 'WebGPU', wasm: 'WASM', reference: 'float64 reference' } as const
  return `${names[kind]} (${description})`
}

/** @throws Failure where the device cannot compute in that precision. */
export function requirePrecision(device: Device, precision: Precision): void {
  if (precision === 'mixed' && !device.supports('f16')) throw new Failure('device', `--precision mixed needs a GPU with f16, got ${describeDevice(device)}; leave it out, or choose another --device`)
}
