// No recursion and no quadratic planning: very long graphs are ordinary.
import { expect, test } from 'vitest'
import { requestDevice, tensor } from '../src/index.js'
test.each(['reference','wasm'] as const)('a chain of 100,000 operations on %s', async kind => {
  const device = await requestDevice(kind)
  let x = tensor([0, 1], { device })
  for (let i = 0; i < 100_000; i++) x = x.add(1)
  const data = await x.data()
  expect([...data]).toEqual([100_000, 100_001])
}, 120000)
