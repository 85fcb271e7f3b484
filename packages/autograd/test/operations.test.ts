// Gradients of every operation of the table against PyTorch's, in float64 and on WASM.
import { readFileSync } from 'node:fs'
import { inputsOf, operations } from '../../../tooling/operations/src/index.ts'
import { requestDevice, tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { beforeAll, describe, expect, test } from 'vitest'
import { grad } from '../src/grad.js'

interface Fixture {
  gradients: (number | string)[][]
}
const fixtures: Fixture[] = JSON.parse(readFileSync(new URL('../../../tooling/operations/fixtures.json', import.meta.url), 'utf8'))
const rows = operations.flatMap((operation, i) => (operation.differentiable ? [{ operation, gradients: fixtures[i].gradients, title: `${operation.name}: ${operation.torch}` }] : []))

/** As in pytorch.py: weights that differ from element to element. */
function weighted(y: Tensor): Tensor {
  const positions = Array.from({ length: y.size }, (_, i) => Math.cos(i * 1.7 + 0.3))
  return y.reshape([-1]).mul(tensor(positions, { device: y.device })).sum()
}
describe.each(['reference', 'wasm'] as const)('on %s', kind => {
  let device: Device
  beforeAll(async () => {
    device = await requestDevice(kind)
  })
  test.each(rows)('the gradient of $title equals PyTorch', async ({ operation, gradients, title }) => {
    const inputs = inputsOf(operation, device)
    const leaves = inputs.filter(input => input.dtype === 'f32')
    const found = grad(weighted(operation.run(...inputs)), leaves, { allowUnused: true })
    const tolerance = kind === 'reference' ? 1e-10 : Math.max(1e-5, 10 * operation.tolerance)
    for (const [i, gradient] of found.entries()) {
      const got = await gradient.data()
      // as pytorch.py has it
      const stride = got.length > 2000 ? 101 : 1
      expect(Math.ceil(got.length / stride), title).toBe(gradients[i].length)
      if (!operation.random) gradients[i].forEach((want, k) => expect(Math.abs(got[k * stride] - Number(want)), `${title}, input ${i}, element ${k * stride}: got ${got[k * stride]}, want ${want}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(Number(want)))))
    }
  })
})
