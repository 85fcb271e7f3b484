// WebGPU in Node for libraries written for pages: the adapter that STEP_ADAPTER names as `navigator.gpu`, its calls counted as ours are.
import { testAdapters } from '@abovo/test-devices'
import { countWebgpu } from '../../bench/instruments/count-webgpu.ts'

/** @returns {Promise<import('../../bench/instruments/count-webgpu.ts').WebgpuCounts>} which goes on counting */
export async function exposeWebgpu() {
  const adapters = await testAdapters()
  const found = adapters.find(({ name }) => name === process.env.STEP_ADAPTER)
  if (found === undefined) throw new Error(`STEP_ADAPTER must be one of ${adapters.map(({ name }) => name).join(', ')}, got ${process.env.STEP_ADAPTER}`)
  exposeNavigator(found.gpu)
  return countWebgpu()
}

export function exposeNavigator(gpu) {
  Object.defineProperty(globalThis, 'navigator', { value: { ...(gpu && { gpu }), userAgent: 'node', platform: 'linux', hardwareConcurrency: 2 }, configurable: true, writable: true })
}
