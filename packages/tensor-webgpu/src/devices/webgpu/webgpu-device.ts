// Finding a GPU: `navigator.gpu` in browsers and workers, the npm package `webgpu` (Dawn) in Node, or whatever the caller hands over.
import { DeviceError } from '../../errors.js'
import { isSoftwareAdapter, traitsOf, type GpuLimits } from './traits.js'
import { WebgpuDevice } from './gpu-device.js'
import { hostTuningStore } from './tuning/host-store.js'
import type { TuningStore } from './tuning/store.js'
import { loadWanted } from '../optional-kernels.js'
import { loadKernel } from './generate.js'

export interface WebgpuOptions {
  /** The entry point to use instead of the host's own: a counting wrapper, or Dawn's null backend. */
  readonly gpu?: GPU
  /** Node only: part of the adapter's name, such as `llvmpipe` or `SwiftShader`. */
  readonly adapter?: string
  readonly powerPreference?: GPUPowerPreference
  /** Use what `tune()` measured on this adapter in earlier sessions: true for the host's own store. */
  readonly tuning?: boolean | TuningStore
  /** Work within less than the adapter gives. */
  readonly limits?: GpuLimits
}

/** What npm's `webgpu` exports. */
interface Dawn {
  create(flags: string[]): GPU
}

// Dawn dies with the object that `create` returned, so every one stays referenced for the life of the process
const dawnInstances = new Map<string, GPU>()

const isDawn = (module: unknown): module is Dawn => typeof module === 'object' && module !== null && 'create' in module && typeof module.create === 'function'

async function dawn(adapter: string | undefined): Promise<GPU> {
  const key = adapter ?? ''
  const known = dawnInstances.get(key)
  if (known !== undefined) return known
  const packageName: string = 'webgpu' // a variable, so that bundlers for the web do not look for it
  let module: unknown
  try {
    module = await import(/* @vite-ignore */ packageName)
  } catch (error) {
    throw new DeviceError(`webgpu: this JavaScript host has no navigator.gpu, and the package 'webgpu' must be installed to use a GPU from Node; run \`npm install webgpu\` (${String(error)})`, 'missing')
  }
  if (!isDawn(module)) throw new DeviceError("webgpu: the package 'webgpu' must export create(); install version 0.6 or later", 'missing')
  const gpu = module.create(adapter === undefined ? [] : [`adapter=${adapter}`])
  dawnInstances.set(key, gpu)
  return gpu
}

async function findGpu({ gpu, adapter }: WebgpuOptions): Promise<GPU> {
  if (gpu !== undefined) return gpu
  const own: GPU | undefined = typeof navigator === 'undefined' ? undefined : navigator.gpu
  return own ?? dawn(adapter)
}

/** The adapter that `options` lead to. Throws a DeviceError with code 'missing' where there is none. */
export async function requestGpuAdapter(options: WebgpuOptions = {}): Promise<GPUAdapter> {
  const gpu = await findGpu(options)
  let adapter: GPUAdapter | null = null
  let reason = ''
  try {
    adapter = await gpu.requestAdapter(options.powerPreference === undefined ? {} : { powerPreference: options.powerPreference })
  } catch (error) {
    reason = `: ${String(error)}`
  }
  if (adapter === null) {
    const wanted = options.adapter === undefined ? 'an adapter' : `an adapter named ${options.adapter}`
    throw new DeviceError(`webgpu: ${wanted} must be present, got none${reason}; use the wasm device`, 'missing')
  }
  return adapter
}

/** Whether `options` lead to an adapter that computes on the CPU; undefined where there is none at all. */
export async function findsSoftwareAdapter(options: WebgpuOptions = {}): Promise<boolean | undefined> {
  try {
    return isSoftwareAdapter((await requestGpuAdapter(options)).info)
  } catch {
    return undefined
  }
}

const wantedLimits = [
  'maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage', 'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupSizeX', 'maxComputeWorkgroupSizeY',
] as const
const wantedFeatures = ['subgroups', 'shader-f16', 'timestamp-query'] as const

/** A device with everything the adapter can give of what kernels use. */
export async function requestFullDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  return adapter.requestDevice({
    requiredFeatures: wantedFeatures.filter(feature => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(wantedLimits.map(limit => [limit, adapter.limits[limit]])),
  })
}

const AMPLE_BINDING = 2 ** 30

/**
 * A WebGPU device. Throws a DeviceError with code 'missing' where the host has no WebGPU or no adapter.
 * @example const device = await requestWebgpuDevice({ powerPreference: 'high-performance' })
 */
export async function requestWebgpuDevice(options: WebgpuOptions = {}): Promise<WebgpuDevice> {
  const adapter = await requestGpuAdapter(options)
  const { tuning = false, limits = {} } = options
  const gpu = await requestFullDevice(adapter)
  const halves = gpu.features.has('shader-f16') && (await (await import('./half-probe.js')).halvesWork(gpu))
  // where a binding is that large no tensor is larger in practice, and the code that splits kernels is not needed
  const splitter = traitsOf(gpu, adapter.info, limits).maxBindingBytes < AMPLE_BINDING ? (await import('../../plan/fit-bindings.js')).fitBindings : null
  await loadWanted(loadKernel)
  const device = new WebgpuDevice(gpu, adapter.info, { halves, limits, splitter })
  const store = typeof tuning === 'boolean' ? (tuning ? await hostTuningStore() : null) : tuning
  if (store !== null) await (await device.tuning).use(store)
  return device
}

/** Wraps a GPUDevice that the caller made, with the limits and features the caller asked for. Kernels are not split, and optional ones not loaded. */
export const webgpuDeviceFrom = (gpu: GPUDevice, info: GPUAdapterInfo = gpu.adapterInfo, limits: GpuLimits = {}): WebgpuDevice => new WebgpuDevice(gpu, info, { limits })
