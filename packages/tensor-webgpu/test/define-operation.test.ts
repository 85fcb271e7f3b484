// Operations from outside work like any other: eagerly, inside compiled functions, on views, on every device.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { beforeAll, describe, expect, test } from 'vitest'
import { compile, defineOperation, requestDevice, setDefaultDevice, ShapeError, tensor, type Device, type Tensor } from '../src/index.js'

const hypotenuse = defineOperation({
  name: 'hypotenuse',
  result: (a, b) => {
    if (a.shape.join() !== b.shape.join()) throw new ShapeError(`hypotenuse: shapes must be equal, got (${a.shape.join(', ')}) and (${b.shape.join(', ')})`)
    return a
  },
  wgsl: () => ({ element: 'out = length2(a(i), b(i));', functions: 'fn length2(x: f32, y: f32) -> f32 { return sqrt(x * x + y * y); }' }),
  evaluate: ([a, b], out) => {
    for (let i = 0; i < a.data.length; i++) out[i] = Math.hypot(a.data[i], b.data[i])
  },
})

/** Rows reversed where a flag says so: another shape of index, and a bool operand. */
const reverseRows = defineOperation({
  name: 'reverse rows',
  result: x => ({ shape: x.shape, dtype: x.dtype }),
  wgsl: ({ shape: [, n] }) => ({ element: `let row = i / ${n}u; let column = i % ${n}u; out = a(row * ${n}u + select(column, ${n - 1}u - column, b(row)));` }),
  evaluate: ([{ data, shape: [rows, n] }, flags], out) => {
    for (let r = 0; r < rows; r++) for (let c = 0; c < n; c++) out[r * n + c] = data[r * n + (flags.data[r] !== 0 ? n - 1 - c : c)]
  },
})

function suite(open: () => Promise<Device>): void {
  beforeAll(async () => setDefaultDevice(await open()))

  test('computes eagerly, among fused operations', async () => {
    const y = hypotenuse(tensor([3, 5]).mul(2), tensor([8, 24]).sub(0)).add(1)
    expect([...(await y.data())].map(value => Math.round(value * 1e4) / 1e4)).toEqual([11, 27])
    expect([...(await hypotenuse(tensor([6, 10]), tensor([8, 24])).data())]).toEqual([10, 26])
  })

  test('takes views: transposed, sliced, one tensor twice', async () => {
    const x = tensor([[3, 4], [6, 8]])
    expect(await hypotenuse(x.transpose(), x.slice([{ step: -1 }]).transpose()).array()).toEqual([[Math.fround(Math.sqrt(45)), Math.fround(Math.sqrt(45))], [Math.fround(Math.sqrt(80)), Math.fround(Math.sqrt(80))]].map(row => row.map(value => expect.closeTo(value, 5))))
    expect(await hypotenuse(x, x).array()).toEqual([[3, 4], [6, 8]].map(row => row.map(value => expect.closeTo(value * Math.SQRT2, 5))))
  })

  test('works inside compile, with an in-place update behind it', async () => {
    const state = tensor([0, 0])
    const step = compile((a: Tensor, b: Tensor) => {
      state.assign(state.add(hypotenuse(a, b)))
      return state
    })
    step(tensor([3, 5]), tensor([4, 12]))
    expect([...(await step(tensor([3, 5]), tensor([4, 12])).data())]).toEqual([10, 26])
  })

  test('reads other elements and flags', async () => {
    const y = reverseRows(tensor([[1, 2, 3], [4, 5, 6]]), tensor([0, 1], { dtype: 'bool' }))
    expect(await y.array()).toEqual([[1, 2, 3], [6, 5, 4]])
  })
}

describe('on the reference', () => suite(() => requestDevice('reference')))
describe('on wasm', () => suite(() => requestDevice('wasm', { threads: 2 })))
describeOnAdapters('on webgpu', ({ gpu }) => suite(() => requestDevice('webgpu', { gpu })))

test('an operation without a form for the device says so', async () => {
  const device = await requestDevice('reference')
  const only = defineOperation({ name: 'only on gpu', result: a => a, wgsl: () => ({ element: 'out = a(i);' }) })
  await expect(only(tensor([1], { device })).data()).rejects.toThrow(/only on gpu: on the reference .* must have `evaluate`/)
})
