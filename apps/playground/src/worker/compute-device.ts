// Where the worker computes: hardware WebGPU, else WASM; or what the page's address asks for, software WebGPU included.
import { DeviceError, requestDevice, type Device } from '@abovo/tensor-webgpu'
import type { DeviceChoice, DeviceReport, FailureCode } from '../protocol.ts'

export class NoDevice extends Error {
  override name = 'NoDevice'
  readonly code: FailureCode
  constructor(code: FailureCode, message: string) {
    super(message)
    this.code = code
  }
}

/** @throws NoDevice */
export async function openDevice(choice: DeviceChoice, threads: number | null): Promise<Device> {
  if (choice === 'webgpu' && !('gpu' in navigator)) throw new NoDevice('no-webgpu', 'this browser has no navigator.gpu')
  if (choice !== 'webgpu' && typeof WebAssembly === 'undefined') throw new NoDevice('no-wasm', 'this browser has no WebAssembly')
  try {
    return await requestDevice(choice, { threads: threads ?? defaultThreads() })
  } catch (error) {
    if (error instanceof DeviceError || error instanceof WebAssembly.CompileError) throw new NoDevice(choice === 'webgpu' ? 'no-webgpu' : 'no-wasm', error.message)
    throw error
  }
}

export const reportOf = ({ kind, description }: Device): DeviceReport => ({
  device: kind === 'webgpu' ? 'webgpu' : 'wasm',
  description,
  isolated: globalThis.crossOriginIsolated,
})

/** One core is left to the page, so that it stays smooth; beyond four the small models here gain nothing. */
function defaultThreads(): number {
  const cores = navigator.hardwareConcurrency
  return Math.max(1, Math.min(4, cores > 2 ? cores - 1 : cores))
}
