import { afterAll, beforeAll, describe, test } from 'vitest'
import { requestWasmDevice, type WasmDevice } from '../../src/devices/wasm/wasm-device.js'
import { randomLoop } from './random-loop.js'
import { expectSame } from './run-kernel.js'

let device: WasmDevice
beforeAll(async () => {
  device = await requestWasmDevice({ threads: 2 })
})
afterAll(() => device.close())

const PER_TEST = 60

describe('random loop kernels agree with the interpreter', () => {
  for (let first = 0; first < 600; first += PER_TEST)
    test(`seeds ${first} to ${first + PER_TEST - 1}`, async () => {
      for (let seed = first; seed < first + PER_TEST; seed++) {
        const { kernel, data } = randomLoop(seed)
        await expectSame(device, kernel, data, 2e-5)
      }
    })
})
