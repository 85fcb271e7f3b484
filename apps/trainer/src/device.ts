// Opening the device that was asked for, and saying in a few words what it is.
import { requestDevice, setDefaultDevice, type Device } from '@abovo/tensor-webgpu'

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
