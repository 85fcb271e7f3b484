// What training computes with, and where it can.
import type { Device } from '@abovo/tensor-webgpu'
import { ConfigError } from '../errors.js'

/** What a forward and a backward pass compute with: f32; or f16 with sums, statistics, losses and the optimizer's parameters in f32. */
export type Precision = 'f32' | 'mixed'

/** @throws ConfigError when the device cannot compute in that precision. */
export function requirePrecision(where: string, precision: Precision, device: Device): void {
  if (precision === 'mixed' && !device.supports('f16'))
    throw new ConfigError(`${where}: mixed precision needs a device where f16 works, got ${device.kind} (${device.description}); use { precision: 'f32' } here, or WebGPU on a GPU with shader-f16`)
}
