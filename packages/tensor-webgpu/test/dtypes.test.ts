// The column `dtypes` of the table of operations: what it lists works and agrees on all devices, what it does not list is a DtypeError.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inputsAs, operations, type OperationCase } from '../../../tooling/operations/src/index.ts'
import { compile, DtypeError, requestDevice, type Device, type Dtype, type Tensor } from '../src/index.js'

const wordTypes: readonly Dtype[] = ['f32', 'i32', 'u32', 'bool']
/** One row for each operation that has inputs to convert: the smallest. */
const rows = [...new Map(operations.filter(({ inputs }) => inputs[0].values === undefined && inputs[0].shape.length > 0).map(operation => [operation.name, operation])).values()]
  .map(({ name }) => smallest(operations.filter(operation => operation.name === name && operation.inputs[0].values === undefined)))
const supported = rows.flatMap(operation => operation.dtypes.filter(dtype => wordTypes.includes(dtype)).map(dtype => ({ operation, dtype, title: `${operation.name} of ${dtype}` })))
const unsupported = rows.flatMap(operation => wordTypes.filter(dtype => !operation.dtypes.includes(dtype)).map(dtype => ({ operation, dtype, title: `${operation.name} of ${dtype}` })))

function smallest(rows: readonly OperationCase[]): OperationCase {
  const size = ({ inputs }: OperationCase): number => inputs.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0)
  return [...rows].sort((a, b) => Math.abs(size(a) - 30) - Math.abs(size(b) - 30))[0]
}

let reference: Device
beforeAll(async () => {
  reference = await requestDevice('reference')
})

async function agree(got: Tensor, { operation, dtype, title }: (typeof supported)[number]): Promise<void> {
  const expected = operation.run(...inputsAs(operation, dtype, reference))
  expect([got.shape, got.dtype], title).toEqual([expected.shape, expected.dtype])
  const [values, want] = [await got.data(), await expected.data()]
  want.forEach((value: number, i: number) => {
    const tolerance = got.dtype === 'f32' ? Math.max(operation.tolerance, 1e-5) * Math.max(1, Math.abs(value)) : 0
    if (Number.isFinite(value)) expect(Math.abs(values[i] - value), `${title}, element ${i}: got ${values[i]}, want ${value}`).toBeLessThanOrEqual(tolerance)
    else expect(values[i], `${title}, element ${i}`).toBe(value)
  })
}

async function allAgree(device: Device, cases = supported): Promise<void> {
  for (let from = 0; from < cases.length; from += 24) {
    const group = cases.slice(from, from + 24)
    const together = compile((...inputs: Tensor[][]) => inputs.map((own, i) => group[i].operation.run(...own)), { device })
    const results = together(...group.map(({ operation, dtype }) => inputsAs(operation, dtype, device)))
    for (const [i, one] of group.entries()) await agree(results[i], one)
    together.dispose()
  }
}

test('wasm agrees with the reference for every element type an operation takes', async () => {
  const device = await requestDevice('wasm', { threads: 1 })
  await allAgree(device)
  device.close()
})

describeOnAdapters('webgpu', ({ gpu }) => {
  let device: Device
  beforeAll(async () => {
    device = await requestDevice('webgpu', { gpu })
  })
  afterAll(() => device.close())
  // f32 is in operations.test.ts
  test('agrees with the reference for every element type an operation takes', () => allAgree(device, supported.filter(({ dtype }) => dtype !== 'f32')), 120_000)
})

describe('an element type that is not listed is a DtypeError that names the operation', () => {
  test.each(unsupported)('$title', ({ operation, dtype }) => {
    expect(() => operation.run(...inputsAs(operation, dtype, reference))).toThrow(DtypeError)
  })
})
