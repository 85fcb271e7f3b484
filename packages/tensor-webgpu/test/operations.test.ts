// The table of operations: the reference against PyTorch, the fast devices against the reference, and nothing exported that is not in it.
import { readFileSync } from 'node:fs'
import { operationsPage } from '../../../tooling/operations/src/documentation.ts'
import { operations, inputsOf, type OperationCase } from '../../../tooling/operations/src/index.ts'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as api from '../src/index.js'
import { compile, requestDevice, Tensor, type Device } from '../src/index.js'

interface Fixture {
  shape: number[]
  values: (number | string)[]
}
const fixtures: Fixture[] = JSON.parse(readFileSync(new URL('../../../tooling/operations/fixtures.json', import.meta.url), 'utf8'))
const rows = operations.map((operation, i) => ({ operation, fixture: fixtures[i], title: `${operation.name}: ${operation.torch}` }))

function expectClose(got: ArrayLike<number>, want: readonly number[], tolerance: number, title: string): void {
  expect(got.length, title).toBe(want.length)
  want.forEach((value, i) => {
    if (Number.isFinite(value)) expect(Math.abs(got[i] - value), `${title}, element ${i}: got ${got[i]}, want ${value}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value)))
    else expect(got[i], `${title}, element ${i}`).toBe(value)
  })
}

describe('the reference device', () => {
  let device: Device
  beforeAll(async () => {
    device = await requestDevice('reference')
  })
  test.each(rows)('$title equals PyTorch', async ({ operation, fixture, title }) => {
    const y = operation.run(...inputsOf(operation, device))
    expect(y.shape, title).toEqual(fixture.shape)
    const values = await y.data()
    if (!operation.random) expectClose(values, fixture.values.map(Number), 1e-11, title)
  })
})

/** All rows in a few plans: neighbours fuse, as they do in a model, and a software adapter compiles fewer kernels. */
async function agreesWithReference(device: Device): Promise<void> {
  const reference = await requestDevice('reference')
  for (let from = 0; from < operations.length; from += 24) {
    const group = operations.slice(from, from + 24)
    const together = compile((...inputs: Tensor[][]) => inputs.map((own, i) => group[i].run(...own)), { device })
    const results = together(...group.map(operation => inputsOf(operation, device)))
    for (const [i, operation] of group.entries()) await compare(operation, results[i], reference)
    together.dispose()
  }
}

async function compare(operation: OperationCase, result: Tensor, reference: Device): Promise<void> {
  const title = `${operation.name}: ${operation.torch} on ${result.device.kind}`
  const want = await operation.run(...inputsOf(operation, reference)).data()
  expectClose(await result.data(), [...want], operation.tolerance, title)
}

describe.each([1, 2])('wasm with %i threads', threads => {
  test('agrees with the reference on every operation', async () => {
    const device = await requestDevice('wasm', { threads })
    await agreesWithReference(device)
    device.close()
  })
})

describeOnAdapters('webgpu', ({ gpu }) => {
  let device: Device
  beforeAll(async () => {
    device = await requestDevice('webgpu', { gpu })
  })
  afterAll(() => device.close())
  test('agrees with the reference on every operation', () => agreesWithReference(device), 120_000)
})

test('every public operation is in the table', () => {
  const notOperations = ['constructor', 'data', 'item', 'array', 'realize', 'asLeaf', 'assign', 'write', 'dispose', 'toDevice', 'bitcast', 'nonzero']
  const other = ['memory', 'recordSites', 'setMemoryBudget', 'scope', 'compile', 'defineOperation', 'requestDevice', 'setDefaultDevice', 'threefry2x32']
  const methods = Object.entries(Object.getOwnPropertyDescriptors(Tensor.prototype)).flatMap(([name, { value }]) => (typeof value === 'function' ? [name] : []))
  const functions = Object.entries(api).flatMap(([name, value]) => (typeof value === 'function' && /^[a-z]/.test(name) ? [name] : []))
  const listed = new Set([...operations.map(operation => operation.name), ...notOperations, ...other])
  expect([...methods, ...functions].filter(name => !listed.has(name))).toEqual([])
})

test('docs/operations.md is what the table says now', () => {
  expect(readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8'), 'run `pnpm --silent operations document`').toBe(operationsPage())
})
