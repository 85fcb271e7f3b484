import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requestWasmDevice, type WasmDevice } from '../../src/devices/wasm/wasm-device.js'
import type { Dtype } from '../../src/dtype.js'
import type { Access, AttentionBackwardKernel, AttentionKernel, AttentionSizes } from '../../src/plan/kernel.js'
import { expectSame, interpret, random, runOnDevice, sameBits } from './run-kernel.js'

let device: WasmDevice
beforeAll(async () => {
  device = await requestWasmDevice({ threads: 1 })
})
afterAll(() => device.close())

const f32 = { dtype: 'f32', written: false } as const
const out = { dtype: 'f32', written: true } as const

interface Case {
  readonly b: number
  readonly h: number
  readonly kv?: number
  readonly t: number
  readonly s: number
  readonly d: number
  readonly causal?: boolean
  readonly mask?: Dtype
  /** Heads side by side within a row, as a fused qkv projection leaves them. */
  readonly interleaved?: boolean
  /** D outermost: no operand is contiguous. */
  readonly strided?: boolean
}

const sizesOf = ({ b, h, kv = h, t, s, d, causal = false }: Case): AttentionSizes => ({ batch: b, heads: h, kvHeads: kv, queries: t, keys: s, headSize: d, scale: 1 / Math.sqrt(d), causal })

function access(binding: number, c: Case, heads: number, rows: number): Access {
  if (c.strided) return { binding, offset: 0, strides: [heads * rows, rows, 1, c.b * heads * rows] }
  if (c.interleaved) return { binding, offset: 0, strides: [rows * heads * c.d, c.d, heads * c.d, 1] }
  return { binding, offset: 0, strides: [heads * rows * c.d, rows * c.d, c.d, 1] }
}

const rowAccess = (binding: number, { h, t }: Case): Access => ({ binding, offset: 0, strides: [h * t, t, 1] })
const maskAccess = (binding: number, { t, s }: Case): Access => ({ binding, offset: 0, strides: [t * s, 0, s, 1] })

function forward(c: Case): AttentionKernel {
  const { h, kv = h, t, s } = c
  return {
    kind: 'attention', ...sizesOf(c),
    bindings: [f32, f32, f32, out, out, { dtype: c.mask ?? 'f32', written: false }],
    q: access(0, c, h, t), k: access(1, c, kv, s), v: access(2, c, kv, s), out: access(3, c, h, t), lse: rowAccess(4, c),
    mask: c.mask === undefined ? null : maskAccess(5, c),
    lengths: null,
  }
}

function maskOf({ b, t, s, mask }: Case): number[] {
  const make = random(9)
  if (mask === undefined) return [0]
  if (mask === 'bool') return make(b * t * s).map(value => (value > -0.4 ? 1 : 0))
  return make(b * t * s).map(value => (value < -0.6 ? -1e30 : value))
}

function forwardData(c: Case): number[][] {
  const { b, h, kv = h, t, s, d } = c
  const make = random(8)
  return [make(b * h * t * d), make(b * kv * s * d), make(b * kv * s * d), new Array(b * h * t * d).fill(7), new Array(b * h * t).fill(7), maskOf(c)]
}

function backward(c: Case): AttentionBackwardKernel {
  const { h, kv = h, t, s } = c
  return {
    kind: 'attentionBackward', ...sizesOf(c),
    bindings: [f32, f32, f32, f32, f32, f32, out, out, out, { dtype: c.mask ?? 'f32', written: false }],
    q: access(0, c, h, t), k: access(1, c, kv, s), v: access(2, c, kv, s), dOut: access(3, c, h, t), lse: rowAccess(4, c), delta: rowAccess(5, c),
    dq: access(6, c, h, t), dk: access(7, c, kv, s), dv: access(8, c, kv, s), mask: c.mask === undefined ? null : maskAccess(9, c),
  }
}

function backwardData(c: Case): number[][] {
  const { b, h, kv = h, t, s, d } = c
  const [q, k, v, , , mask] = forwardData(c)
  const lse = interpret(forward(c), forwardData(c))[4].map(Math.fround)
  const make = random(10)
  return [q, k, v, make(b * h * t * d), lse, make(b * h * t), new Array(b * h * t * d).fill(7), new Array(b * kv * s * d).fill(7), new Array(b * kv * s * d).fill(7), mask]
}

const cases: Case[] = [
  { b: 1, h: 1, t: 1, s: 1, d: 1 },
  { b: 2, h: 3, t: 33, s: 31, d: 8 },
  { b: 1, h: 2, t: 65, s: 65, d: 16, causal: true },
  { b: 1, h: 2, t: 31, s: 130, d: 33, causal: true },
  { b: 1, h: 2, t: 70, s: 31, d: 5, causal: true },
  { b: 2, h: 4, kv: 2, t: 17, s: 40, d: 20, interleaved: true },
  { b: 1, h: 6, kv: 2, t: 40, s: 40, d: 12, causal: true, mask: 'f32' },
  { b: 2, h: 2, t: 33, s: 67, d: 7, mask: 'bool' },
  { b: 1, h: 2, t: 35, s: 35, d: 6, causal: true, strided: true, mask: 'bool' },
  { b: 2, h: 2, t: 1, s: 100, d: 32, causal: true },
  { b: 1, h: 1, t: 100, s: 1, d: 32 },
  { b: 2, h: 2, t: 2, s: 33, d: 5, causal: true, mask: 'bool' },
  { b: 1, h: 4, kv: 2, t: 4, s: 70, d: 20, interleaved: true, mask: 'f32' },
  { b: 1, h: 2, t: 3, s: 2, d: 18, causal: true },
  { b: 1, h: 2, t: 1, s: 31, d: 19, strided: true },
  { b: 1, h: 1, t: 5, s: 6, d: 256 },
  { b: 1, h: 1, t: 4, s: 0, d: 8 },
]

describe('attention', () => {
  test.each(cases)('forward of %j', async c => {
    await expectSame(device, forward(c), forwardData(c), 1e-5)
  })

  test.each(cases.filter(c => c.b > 1 || c.t < 6))('forward of %j where batches have fewer keys', async c => {
    const { bindings, ...plain } = forward(c)
    const kernel: AttentionKernel = { ...plain, bindings: [...bindings, { dtype: 'i32', written: false }], lengths: { binding: 6, offset: 0, strides: [1] } }
    for (const lengths of [[c.s - 1, 2], [0, c.s + 3], [-4, 1]]) await expectSame(device, kernel, [...forwardData(c), lengths], 1e-5)
  })

  test.each(cases)('backward of %j', async c => {
    await expectSame(device, backward(c), backwardData(c), 2e-5)
  })

  test('gives the same bits on two threads', async () => {
    const two = await requestWasmDevice({ threads: 2 })
    const c: Case = { b: 2, h: 4, kv: 2, t: 257, s: 257, d: 40, causal: true }
    expect(sameBits(await runOnDevice(two, forward(c), forwardData(c)), await runOnDevice(device, forward(c), forwardData(c)))).toBe(true)
    const data = backwardData(c)
    expect(sameBits(await runOnDevice(two, backward(c), data), await runOnDevice(device, backward(c), data))).toBe(true)
    two.close()
  })
})
