// Vitest suites that repeat on every WebGPU adapter of the machine. Apart from index.ts, since it loads vitest.
import { describe, expect, test } from 'vitest'
import { missingRequirement, testAdapters, type TestAdapter } from './adapters.ts'

const adapters = await testAdapters()
const missing = await missingRequirement()

/**
 * Runs `body` in one `describe` for each adapter. Without any adapter its tests are reported as skipped;
 * ABOVO_REQUIRE_WEBGPU (1, or names such as SwiftShader,lavapipe) adds a failing test for what is missing.
 */
export function describeOnAdapters(title: string, body: (adapter: TestAdapter) => void): void {
  describe.each(adapters)(`${title} on $name`, body)
  if (adapters.length === 0) describe.skip(`${title} (no software WebGPU adapter)`, () => body(absent))
  if (missing) test(`${title}: the required WebGPU adapters are there`, () => expect.fail(missing))
}

const refuse = () => Promise.reject(new Error('test-devices: no software WebGPU adapter, and a skipped suite asked for one'))
const absent: TestAdapter = {
  name: 'none',
  get gpu(): GPU {
    throw new Error('test-devices: there is no GPU in a skipped suite; ask for it inside a test or hook')
  },
  requestAdapter: refuse,
  requestDevice: refuse,
}
