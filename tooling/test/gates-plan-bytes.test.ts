// The cost model behind `bytes_moved`, against counts made by hand.
import { grad } from '@abovo/autograd'
import { compile, requestDevice, scaledDotProductAttention, tensor, zeros, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { beforeAll, describe, expect, test } from 'vitest'
import { leastBytesMoved, leastDispatches, leastPeakBytes, parameterCount, SMALL } from '../bench/instruments/gpt-minimum.js'
import { observePlans, type ObservedPlan } from '../bench/instruments/observed-plan.js'
import { planBytes } from '../bench/instruments/plan-bytes.js'

let device: Device
let plans: ObservedPlan[]
beforeAll(async () => {
  device = await requestDevice('wasm', { threads: 1 })
  plans = observePlans(device)
})

/** Bytes of the plan that a function becomes. */
function bytesOf(fn: (...args: Tensor[]) => Tensor | readonly Tensor[], ...shapes: number[][]): number {
  const args = shapes.map(shape => zeros(shape, { device }).realize())
  compile(fn, { device })(...args)
  return planBytes(plans[plans.length - 1])
}

describe('bytes of a plan', () => {
  test('an addition reads two tensors and writes one', () => {
    expect(bytesOf((a, b) => a.add(b), [64, 32], [64, 32])).toBe(3 * 64 * 32 * 4)
  })

  test('a broadcast row is read once', () => {
    expect(bytesOf((a, b) => a.add(b), [64, 32], [32])).toBe((2 * 64 * 32 + 32) * 4)
  })

  test('a tensor used twice in a kernel is read once', () => {
    expect(bytesOf(a => a.mul(a.sin()), [64, 32])).toBe(2 * 64 * 32 * 4)
  })

  test('softmax reads and writes its tensor once', () => {
    expect(bytesOf(a => a.softmax(-1), [64, 32])).toBe(2 * 64 * 32 * 4)
  })

  test('a sum of rows writes one number a row', () => {
    expect(bytesOf(a => a.sum({ axis: -1 }), [64, 32])).toBe((64 * 32 + 64) * 4)
  })

  test('a matmul with bias and activation is one kernel', () => {
    expect(bytesOf((a, b, bias) => a.matmul(b).add(bias).relu(), [64, 32], [32, 48], [48])).toBe((64 * 32 + 32 * 48 + 48 + 64 * 48) * 4)
  })

  test('padding is not read', () => {
    expect(bytesOf(a => a.pad([[8, 8], [0, 0]]).mul(2), [64, 32])).toBe((64 * 32 + 80 * 32) * 4)
  })

  test('an embedding reads a row for each id, and no more than the table', () => {
    const table = zeros([100, 16], { device }).realize()
    const lookUp = (count: number): number => {
      const ids = tensor(new Int32Array(count), { device })
      compile((ids: Tensor) => table.gather(0, ids.reshape([count, 1]).expand([count, 16])), { device })(ids)
      return planBytes(plans[plans.length - 1])
    }
    expect(lookUp(10)).toBe((10 + 10 * 16 + 10 * 16) * 4)
    expect(lookUp(1000)).toBe((1000 + 100 * 16 + 1000 * 16) * 4)
  })

  test('attention moves queries, keys, values and results, never scores', () => {
    const [B, H, T, D] = [2, 2, 64, 8]
    const one = B * H * T * D
    const rows = B * H * T
    const attend = (q: Tensor, k: Tensor, v: Tensor): Tensor => scaledDotProductAttention(q, k, v, { causal: true })
    expect(bytesOf(attend, [B, H, T, D], [B, H, T, D], [B, H, T, D])).toBe((4 * one + rows) * 4)
    const both = bytesOf((q, k, v, dOut) => grad(attend(q, k, v).mul(dOut).sum(), [q, k, v]), [B, H, T, D], [B, H, T, D], [B, H, T, D], [B, H, T, D])
    const forward = 4 * one + rows
    const delta = 2 * one + rows                                  // rowsum(dOut ⊙ out)
    const backward = (4 * one + 2 * rows) * 2 + 3 * one           // two passes read q, k, v, dOut, lse, delta
    expect(both).toBe((forward + delta + backward) * 4)
  })
})

describe('the table of explain()', () => {
  test('adds up to the bytes that are counted here', () => {
    const [B, H, T, D] = [2, 2, 64, 8]
    const [x, w] = [zeros([B * T, H * D], { device }).realize(), zeros([H * D, H * D], { device }).realize()]
    const step = compile((x: Tensor) => {
      const y = x.matmul(w).gelu().reshape([B, H, T, D])
      const loss = scaledDotProductAttention(y, y, y, { causal: true }).softmax(-1).square().mean()
      return [loss, ...grad(loss, [x, w])]
    }, { device })
    step(x)
    const totals = step.explain().split('\n').at(-1)?.trim().split(/ {2,}/)
    expect(totals?.slice(0, 3)).toEqual(['total', String(plans[plans.length - 1].steps.length), (planBytes(plans[plans.length - 1]) / 1e6).toFixed(3)])
  })
})

describe('the counted minimum of the small GPT', () => {
  test('agrees with the derivation', () => {
    expect(parameterCount(SMALL)).toBe(875_264)
    expect(leastDispatches(SMALL)).toBe(89)
    expect(Math.round(leastBytesMoved(SMALL) / 1e6)).toBe(221)
    expect(Math.round(leastPeakBytes(SMALL) / 1e6)).toBe(41)
  })
})
