// The WebGPU device a benchmark runs on: real hardware where there is some, else the software adapter whose name contains what was asked for.
import { requestDevice, type Device } from '@abovo/tensor-webgpu'
import { testAdapters } from '@abovo/test-devices'

const aliases: Record<string, string> = { llvmpipe: 'lavapipe' }

export async function openTestAdapter(name?: string): Promise<Device> {
  const adapters = await testAdapters()
  const wanted = (aliases[name ?? ''] ?? name ?? 'lavapipe').toLowerCase()
  const found = adapters.find(adapter => adapter.name.toLowerCase().includes(wanted)) ?? (name === undefined ? adapters[0] : undefined)
  if (found === undefined) throw new Error(`bench: the adapter must be one of ${adapters.map(adapter => adapter.name).join(', ') || '(none here)'}, got ${name ?? 'none'}`)
  return requestDevice('webgpu', { gpu: found.gpu })
}
