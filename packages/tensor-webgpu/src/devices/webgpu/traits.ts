// What this package needs to know of a GPU to choose and write kernels for it: its family, its limits, whether it is software.

/** Families with a row in the seed tables; everything else is `default`. */
export type GpuFamily = 'llvmpipe' | 'swiftshader' | 'apple' | 'nvidia' | 'amd' | 'intel' | 'adreno' | 'default'

export interface GpuTraits {
  readonly family: GpuFamily
  /** Runs on the CPU: barriers and workgroup memory cost more than they save. */
  readonly software: boolean
  /** The size of every subgroup, or 0 where subgroups are missing or their size is not fixed. Never assumed. */
  readonly subgroupSize: number
  readonly f16: boolean
  readonly maxStorageBuffers: number
  readonly maxBindingBytes: number
  readonly maxBufferBytes: number
  readonly maxInvocations: number
  readonly maxWorkgroupBytes: number
  readonly maxWorkgroups: number
  readonly offsetAlignment: number
}

/** Less than a device has: to see on one machine what would happen on a smaller one. */
export interface GpuLimits {
  /** Bytes of one buffer; 256 MiB are guaranteed everywhere. */
  readonly maxBufferBytes?: number
  /** Bytes of a tensor that one kernel may bind; 128 MiB are guaranteed everywhere. */
  readonly maxBindingBytes?: number
  /** Buffers that one kernel may bind; 8 are guaranteed everywhere. */
  readonly maxStorageBuffers?: number
}

/** The part of GPUAdapterInfo that older implementations may lack. */
interface SubgroupInfo {
  readonly subgroupMinSize?: number
  readonly subgroupMaxSize?: number
}

const families: readonly (readonly [RegExp, GpuFamily])[] = [
  [/llvmpipe|lavapipe/i, 'llvmpipe'],
  [/swiftshader/i, 'swiftshader'],
  [/apple|metal-/i, 'apple'],
  [/nvidia|geforce|quadro|tesla/i, 'nvidia'],
  [/\bamd\b|radeon|rdna|gcn/i, 'amd'],
  [/intel|xe-|gen-\d/i, 'intel'],
  [/qualcomm|adreno/i, 'adreno'],
]

const words = (info: GPUAdapterInfo): string => [info.vendor, info.architecture, info.device, info.description].join(' ')

export const familyOf = (info: GPUAdapterInfo): GpuFamily => families.find(([pattern]) => pattern.test(words(info)))?.[1] ?? 'default'

/** Whether an adapter computes on the CPU: `requestDevice()` prefers WASM to such a one. */
export function isSoftwareAdapter(info: GPUAdapterInfo): boolean {
  const family = familyOf(info)
  return family === 'llvmpipe' || family === 'swiftshader' || info.isFallbackAdapter === true || /software|warp|basic render/i.test(words(info))
}

export function describeAdapter(info: GPUAdapterInfo): string {
  const name = info.description || info.device || info.architecture || info.vendor
  return name === '' ? 'unknown GPU' : name
}

/** Traits of a device that exists: its own features and limits, not what its adapter could have given, or smaller `limits`. */
export function traitsOf(device: GPUDevice, info: GPUAdapterInfo, limits: GpuLimits = {}): GpuTraits {
  const { subgroupMinSize = 0, subgroupMaxSize = 0 }: SubgroupInfo = info
  const fixed = device.features.has('subgroups') && subgroupMinSize === subgroupMaxSize
  return {
    family: familyOf(info),
    software: isSoftwareAdapter(info),
    subgroupSize: fixed ? subgroupMinSize : 0,
    f16: device.features.has('shader-f16'),
    maxStorageBuffers: Math.min(device.limits.maxStorageBuffersPerShaderStage, limits.maxStorageBuffers ?? Infinity),
    maxBindingBytes: Math.min(device.limits.maxStorageBufferBindingSize, limits.maxBindingBytes ?? Infinity),
    maxBufferBytes: Math.min(device.limits.maxBufferSize, limits.maxBufferBytes ?? Infinity),
    maxInvocations: Math.min(device.limits.maxComputeInvocationsPerWorkgroup, device.limits.maxComputeWorkgroupSizeX),
    maxWorkgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
    maxWorkgroups: device.limits.maxComputeWorkgroupsPerDimension,
    offsetAlignment: Math.max(256, device.limits.minStorageBufferOffsetAlignment),
  }
}
