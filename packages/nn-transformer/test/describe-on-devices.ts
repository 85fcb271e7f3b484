// Suites that repeat on the reference device, on wasm, and on every software WebGPU adapter of the machine.
import { requestDevice, type Device } from '@abovo/tensor-webgpu'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { describe } from 'vitest'

export function describeOnDevices(title: string, body: (open: () => Promise<Device>) => void): void {
  describe.each(['reference', 'wasm'] as const)(`${title} on %s`, kind => body(() => requestDevice(kind)))
  describeOnWebgpu(title, body)
}

export function describeOnWebgpu(title: string, body: (open: () => Promise<Device>) => void): void {
  describeOnAdapters(title, adapter => body(() => requestDevice('webgpu', { adapter: adapter.name === 'lavapipe' ? 'llvmpipe' : adapter.name })))
}
