// i32 and u32 are exact and wrap, on every device: docs/operations.md, section Integers.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { beforeAll, describe, expect, test } from 'vitest'
import { requestDevice, tensor, type Device, type Tensor } from '../src/index.js'

const LOW = -(2 ** 31)
const HIGH = 2 ** 31 - 1
const TOP = 2 ** 32 - 1

function suite(open: () => Promise<Device>): void {
  let device: Device
  beforeAll(async () => {
    device = await open()
  })
  const i32 = (...values: number[]): Tensor => tensor(Int32Array.from(values), { device })
  const u32 = (...values: number[]): Tensor => tensor(Uint32Array.from(values), { device })
  const expectValues = async (x: Tensor, values: number[]): Promise<void> => expect([...(await x.data())]).toEqual(values)

  test('division and remainder by zero are zero; the lowest by -1 wraps', async () => {
    await expectValues(i32(7, -7, 0, LOW, -7, 7, -8).truncDivide(i32(0, 0, 0, -1, 2, -2, 3)), [0, 0, 0, LOW, -3, -3, -2])
    await expectValues(i32(7, -7, 0, LOW, -7, 7, -8).remainder(i32(0, 0, 0, -1, 2, -2, 3)), [0, 0, 0, 0, 1, -1, 1])
    await expectValues(u32(TOP, 7, TOP).truncDivide(u32(2, 0, TOP)), [HIGH, 0, 1])
    await expectValues(u32(TOP, 7, TOP).remainder(u32(10, 0, 2 ** 31)), [5, 0, HIGH])
  })

  test('shift counts are modulo 32; right shifts keep the sign of i32', async () => {
    await expectValues(i32(1, 1, 3, -1).shiftLeft(i32(31, 32, 33, -1)), [LOW, 1, 6, LOW])
    await expectValues(i32(-8, LOW, -1, 5).shiftRight(i32(1, 31, 40, -31)), [-4, -1, -1, 2])
    await expectValues(u32(TOP, 2 ** 31, 12).shiftRight(u32(31, 32, 34)), [1, 2 ** 31, 3])
    await expectValues(u32(TOP, 3).shiftLeft(u32(4, 31)), [TOP - 15, 2 ** 31])
  })

  test('sums and products wrap', async () => {
    await expectValues(i32(HIGH, LOW, 65537).add(i32(1, -1, 0)), [LOW, HIGH, 65537])
    await expectValues(i32(HIGH, 65537, -65537).mul(i32(HIGH, 65537, 65539)), [1, 131073, -262147])
    await expectValues(u32(TOP, 0).add(u32(2, 0)).sub(u32(0, 1)), [1, TOP])
    await expectValues(u32(TOP, 65537).mul(u32(TOP, 65537)), [1, 131073])
    await expectValues(i32(LOW).neg(), [LOW])
    await expectValues(i32(LOW, -5).abs(), [LOW, 5])
    await expectValues(i32(HIGH, HIGH, 4).sum(), [2])
    await expectValues(i32(65536, 65537, 3).prod(), [196608])
    await expectValues(i32(HIGH, 1, 1).cumsum(0), [HIGH, LOW, LOW + 1])
    await expectValues(i32(16777217, 3).reshape([1, 2]).matmul(i32(3, 1).reshape([2, 1])).reshape([1]), [50331654])
  })

  test('powers wrap; a negative exponent truncates the reciprocal', async () => {
    await expectValues(i32(3, -3, 2, 0, 7, -1, 1, 2).pow(i32(4, 3, 31, 0, 20, -3, -2, -1)), [81, -27, LOW, 1, Number(BigInt.asIntN(32, 7n ** 20n)), -1, 1, 0])
    await expectValues(u32(3, 2).pow(u32(20, 32)), [3486784401, 0])
  })

  test('comparison and extremes know the sign', async () => {
    await expectValues(u32(TOP, 1).gt(u32(1, TOP)).to('i32'), [1, 0])
    await expectValues(i32(-1, 1).gt(i32(1, -1)).to('i32'), [0, 1])
    await expectValues(u32(TOP, 1, 2 ** 31).max(), [TOP])
    await expectValues(i32(LOW, HIGH).min(), [LOW])
  })

  test('casts truncate and saturate; bits are kept where both types are integers', async () => {
    const x = tensor([3.9, -3.9, 3e9, -3e9, 5e9, -0.5, NaN, Infinity], { device })
    await expectValues(x.to('i32'), [3, -3, HIGH, LOW, HIGH, 0, 0, HIGH])
    await expectValues(x.to('u32'), [3, 0, 3e9, 0, TOP, 0, 0, TOP])
    await expectValues(i32(-1, 5).to('u32'), [TOP, 5])
    await expectValues(u32(TOP, 5).to('i32'), [-1, 5])
    await expectValues(u32(TOP).to('f32'), [device.kind === 'reference' ? TOP : 2 ** 32])
  })
}

describe.each(['reference', 'wasm'] as const)('integers on %s', kind => suite(() => requestDevice(kind, { threads: 1 })))
describeOnAdapters('integers', ({ gpu }) => suite(() => requestDevice('webgpu', { gpu })))
