// The WebGPU implementations that tests run on. Two independent ones show a kernel that works by luck:
// SwiftShader (no f16, subgroups of 4) and Mesa's lavapipe (f16, subgroups of 8).
import { create, globals } from 'webgpu'
import { exposeSoftwareDrivers } from './vulkan.ts'

export interface TestAdapter {
  readonly name: string
  /** the WebGPU entry point, as `navigator.gpu` in a browser, whose only adapter is this one */
  readonly gpu: GPU
  /** a fresh adapter each time: an adapter serves one requestDevice */
  requestAdapter(): Promise<GPUAdapter>
  requestDevice(descriptor?: GPUDeviceDescriptor): Promise<GPUDevice>
}

const known = [
  { name: 'SwiftShader', dawnName: 'SwiftShader' },
  { name: 'lavapipe', dawnName: 'llvmpipe' },
]

// Dawn lives as long as what create() returned: runs died early once it was collected
const alive: GPU[] = []
let found: Promise<TestAdapter[]> | undefined

function open(options: string[]): GPU {
  exposeSoftwareDrivers()
  Object.assign(globalThis, globals)
  const gpu = create(options)
  alive.push(gpu)
  return gpu
}

/** The adapters of this machine, found once a process. May be empty: see `describeOnAdapters` for tests. */
export function testAdapters(): Promise<TestAdapter[]> {
  found ??= Promise.all(known.map(({ name, dawnName }) => look(name, open([`adapter=${dawnName}`])))).then((adapters) =>
    adapters.filter((adapter) => adapter !== undefined),
  )
  return found
}

async function look(name: string, gpu: GPU): Promise<TestAdapter | undefined> {
  // rejects, with the list of what there is, where no adapter has the name
  const request = async () => (await gpu.requestAdapter().catch(() => null)) ?? undefined
  if (!(await request())) return undefined
  const requestAdapter = async () => {
    const adapter = await request()
    if (!adapter) throw new Error(`testAdapters: ${name} must still be there, got no adapter`)
    return adapter
  }
  return { name, gpu, requestAdapter, requestDevice: async (descriptor) => (await requestAdapter()).requestDevice(descriptor) }
}

/** Dawn's null backend: validates everything and runs nothing. For counting calls and measuring host time. */
export function nullGpu(): GPU {
  return open(['backend=null'])
}

/** What ABOVO_REQUIRE_WEBGPU asks for and this machine has not: a sentence for the failure, or nothing. */
export async function missingRequirement(): Promise<string | undefined> {
  const required = process.env['ABOVO_REQUIRE_WEBGPU'] ?? ''
  if (required === '' || required === '0') return undefined
  const names = (await testAdapters()).map((adapter) => adapter.name)
  const have = names.join(', ') || 'none'
  const why = exposeSoftwareDrivers()
  const because = why ? ` (${why})` : ''
  const missing = required === '1' ? [] : required.split(',').filter((name) => !names.includes(name))
  if (names.length > 0 && missing.length === 0) return undefined
  const want = required === '1' ? 'a software WebGPU adapter' : missing.join(' and ')
  return `ABOVO_REQUIRE_WEBGPU=${required}: ${want} must be there, got ${have}${because}; \`pnpm install\` brings SwiftShader, Mesa 25 or newer lavapipe`
}
