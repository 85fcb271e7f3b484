// Suites that repeat on the reference device, on wasm, and on every software WebGPU adapter of the machine.
import { requestDevice, type Device } from '@abovo/tensor-webgpu'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { describe } from 'vitest'

/** Software adapters take up to a second to compile a kernel: they run a choice of the cases, or with ABOVO_ALL_CASES=1 all. */
export const allCases = Boolean(process.env['ABOVO_ALL_CASES'])

/** Compiling takes most of it. */
export const webgpuTimeout = 150_000

export function describeOnHosts(title: string, body: (open: () => Promise<Device>) => void): void {
  describe.each(['reference', 'wasm'] as const)(`${title} on %s`, kind => body(() => requestDevice(kind)))
}

export function describeOnWebgpu(title: string, body: (open: () => Promise<Device>) => void): void {
  describeOnAdapters(title, adapter => body(() => requestDevice('webgpu', { adapter: adapter.name === 'lavapipe' ? 'llvmpipe' : adapter.name })))
}
