// gradcheck and gradgradcheck over every differentiable row of the table of operations.
import { differentiableOperations, inputsOf, operations, type OperationCase } from '../../../tooling/operations/src/index.ts'
import { requestDevice, type Device } from '@abovo/tensor-webgpu'
import { beforeAll, describe, expect, test } from 'vitest'
import { gradcheck, gradgradcheck } from '../src/gradcheck.js'

const rows = operations.filter(operation => operation.differentiable && operation.smooth).map(operation => ({ operation, title: `${operation.name}: ${operation.torch}` }))

/** Element by element where that is a few hundred evaluations; along random directions above. */
const isLarge = ({ inputs }: OperationCase): boolean => inputs.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0) > 40

let device: Device
beforeAll(async () => {
  device = await requestDevice('reference')
})

describe('in float64', () => {
  test.each(rows)('$title has the right first and second derivative', async ({ operation, title }) => {
    const inputs = inputsOf(operation, device)
    const options = { name: title, fast: isLarge(operation) }
    await gradcheck(operation.run, inputs, options)
    await gradgradcheck(operation.run, inputs, { ...options, fast: true })
  })
})

test('every differentiable operation is checked', () => {
  const checked = new Set(rows.map(row => row.operation.name))
  expect(differentiableOperations().filter(name => !checked.has(name))).toEqual([])
})
