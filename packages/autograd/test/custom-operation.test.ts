// The derivative of a user's operation is used like that of any other: in gradients, in gradients of gradients, in compiled steps.
import { compile, defineOperation, requestDevice, tensor, type Tensor } from '@abovo/tensor-webgpu'
import { describe, expect, test } from 'vitest'
import { grad } from '../src/grad.js'
import { gradcheck, gradgradcheck } from '../src/gradcheck.js'

const cube = defineOperation({
  name: 'cube',
  result: a => a,
  wgsl: () => ({ element: 'out = a(i) * a(i) * a(i);' }),
  evaluate: ([{ data }], out) => {
    for (let i = 0; i < data.length; i++) out[i] = data[i] ** 3
  },
  gradient: ({ inputs: [a], gradient }) => [gradient.mul(a.square()).mul(3)],
})

describe.each(['reference', 'wasm'] as const)('on %s', kind => {
  test('a compiled step differentiates through it', async () => {
    const device = await requestDevice(kind)
    const step = compile((x: Tensor) => grad(cube(x.mul(2)).sum(), x), { device })
    expect([...(await step(tensor([1, 2], { device })).data())]).toEqual([24, 96])
  })
})

test('passes gradcheck and gradgradcheck', async () => {
  const device = await requestDevice('reference')
  const x = tensor([0.3, -1.2, 2], { device })
  await gradcheck(a => cube(a).sum(), [x])
  await gradgradcheck(a => cube(a).sum(), [x])
})

test('without a derivative it says so', async () => {
  const device = await requestDevice('reference')
  const opaque = defineOperation({ name: 'opaque', result: a => a, evaluate: () => {} })
  const x = tensor([1], { device })
  expect(() => grad(opaque(x).sum(), x)).toThrow('must have `gradient`')
})
