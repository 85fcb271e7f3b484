// The device that a benchmark runs on, from its command line: --device wasm|webgpu, --threads N, --adapter NAME; and with
// smaller limits than the adapter's: --buffer-bytes, --binding-bytes, --bindings. WebGPU's calls are counted.
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { requestDevice, type Device } from '@abovo/tensor-webgpu'
import { nullGpu, testAdapters } from '@abovo/test-devices'
import { countWebgpu, type WebgpuCounts } from './count-webgpu.js'

const aliases: Record<string, string> = { llvmpipe: 'lavapipe' }

const options = {
  device: { type: 'string', default: 'wasm' },
  adapter: { type: 'string' },
  threads: { type: 'string' },
  'buffer-bytes': { type: 'string' },
  'binding-bytes': { type: 'string' },
  bindings: { type: 'string' },
} as const

export interface BenchDevice {
  readonly device: Device
  /** What was asked of WebGPU, seen from outside the library; on other devices, what the device says it did. */
  readonly counts: () => WebgpuCounts
}

/** The values of the command line; `more` are a benchmark's own options. */
export function readArguments<const O extends NonNullable<ParseArgsConfig['options']>>(more: O) {
  try {
    return parseArgs({ options: { ...options, ...more } }).values
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
    return process.exit(2)
  }
}

/** Real hardware has no name here: `adapter` is one of the software adapters, or `null` for Dawn's null backend. */
async function findGpu(adapter: string | undefined): Promise<GPU> {
  if (adapter === 'null') return nullGpu()
  const adapters = await testAdapters()
  const wanted = (aliases[adapter ?? ''] ?? adapter ?? 'lavapipe').toLowerCase()
  const found = adapters.find(({ name }) => name.toLowerCase().includes(wanted)) ?? (adapter === undefined ? adapters[0] : undefined)
  if (found === undefined) throw new Error(`bench: the adapter must be one of ${adapters.map(({ name }) => name).join(', ') || '(none here)'} or null, got ${adapter ?? 'none'}`)
  return found.gpu
}

type DeviceArguments = { readonly [name in keyof typeof options]?: string | undefined }

export async function openBenchDevice({ device: kind, adapter, threads, ...limits }: DeviceArguments): Promise<BenchDevice> {
  if (kind === 'webgpu') {
    const gpu = await findGpu(adapter)
    const counts = countWebgpu()
    const atMost = (name: keyof typeof limits): number => Number(limits[name] ?? Infinity)
    const device = await requestDevice('webgpu', { gpu, limits: { maxBufferBytes: atMost('buffer-bytes'), maxBindingBytes: atMost('binding-bytes'), maxStorageBuffers: atMost('bindings') } })
    return { device, counts: () => ({ ...counts }) }
  }
  if (kind !== 'wasm' && kind !== 'reference') throw new Error(`bench: --device must be wasm, webgpu or reference, got ${String(kind)}`)
  const device = await requestDevice(kind, threads === undefined ? {} : { threads: Number(threads) })
  return { device, counts: () => ({ ...device.counts, maps: 0 }) }
}
