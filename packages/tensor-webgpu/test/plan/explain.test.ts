// The table that every device explains a plan with: what stands in it, and what each kernel costs, counted by hand.
import { beforeEach, describe, expect, test } from 'vitest'
import { setDefaultDevice } from '../../src/devices/default-device.js'
import { defineOperation } from '../../src/define-operation.js'
import { scaledDotProductAttention, tensor, zeros } from '../../src/functions.js'
import type { Tensor } from '../../src/tensor.js'
import { stepCost } from '../../src/plan/cost.js'
import { explainPlan } from '../../src/plan/explain.js'
import { InterpretedDevice } from './interpreted-device.js'

let device: InterpretedDevice
beforeEach(() => setDefaultDevice((device = new InterpretedDevice())))

/** The plan that made this value. */
function planOf(value: Tensor): InterpretedDevice['plans'][number] {
  value.realize()
  return device.plans[device.plans.length - 1]
}

const explain = (value: Tensor): string => {
  const plan = planOf(value)
  return explainPlan(plan, plan.steps.map(() => ({ dispatches: 1, method: 'here' })))
}

const source = (...shape: number[]): Tensor => zeros(shape).realize()

describe('a plan as a table', () => {
  test('has a line a kernel, a title and totals', () => {
    const lines = explain(source(64, 32).matmul(source(32, 48)).add(source(48)).relu().softmax(-1)).split('\n')
    expect(lines.map(line => line.trim().split(/ {2,}/)[0])).toEqual(['#', '0', '1', 'total'])
    expect(lines[1]).toMatch(/matmul +matmul add le where +\(64, 32\) x \(32, 48\) +1 +\d/)
    expect(lines[2]).toMatch(/rows +.*exp.* +\(64\) over \(48\) +1/)
  })

  test('stands in columns', () => {
    const lines = explain(source(64, 32).matmul(source(32, 48)).softmax(-1)).split('\n')
    const ends = lines.map(line => line.indexOf('MFLOP') < 0 ? line.search(/ {2}(here|arena)/) : line.indexOf('MFLOP') + 5)
    expect(new Set(ends).size).toBe(1)
  })

  test('totals are the sums of its lines', () => {
    const lines = explain(source(160, 80).matmul(source(80, 120)).softmax(-1)).split('\n').map(line => line.trim().split(/ {2,}/))
    const [, first, second, totals] = lines
    for (const back of [2, 3]) expect(Number(totals[totals.length - back])).toBeCloseTo(Number(first[first.length - back]) + Number(second[second.length - back]), 2)
    expect(totals[1]).toBe('2')
  })

  test('names reductions, row programs and maps', () => {
    expect(explain(source(8, 16).sum({ axis: -1 }))).toMatch(/reduction +sum +\(8\) over \(16\)/)
    expect(explain(source(8, 16).add(1))).toMatch(/map +.*add/)
  })

  test('says that nobody knows what an operation of a user costs', () => {
    const twice = defineOperation({
      name: 'twice', result: a => a, wgsl: () => ({ element: 'out = 2.0 * a(i);' }),
      evaluate: ([a], out) => {
        for (let i = 0; i < a.data.length; i++) out[i] = 2 * a.data[i]
      },
    })
    expect(explain(twice(source(8)))).toMatch(/custom +.* 0\.000 +\? +here/)
  })
})

/** The cost of the one kernel that makes this value. */
const costOf = (value: Tensor): ReturnType<typeof stepCost> => {
  const { steps } = planOf(value)
  expect(steps).toHaveLength(1)
  return stepCost(steps[0])
}

describe('a kernel costs', () => {
  test('two operations for each multiply-add of a product, and its epilogue', () => {
    const [M, K, N] = [64, 32, 48]
    expect(costOf(source(M, K).matmul(source(K, N)).add(source(N)))).toEqual({ bytes: 4 * (M * K + K * N + N + M * N), flops: 2 * M * N * K + M * N })
  })

  test('nothing for what it only moves', () => {
    expect(costOf(source(64, 32).transpose())).toEqual({ bytes: 2 * 4 * 64 * 32, flops: 0 })
  })

  test('one operation an element for each function, and one a row for what follows a reduction', () => {
    const x = source(64, 32)
    expect(costOf(x.div(x.exp().sum({ axis: -1, keepdim: true }).sqrt()))).toEqual({ bytes: 2 * 4 * 64 * 32, flops: 3 * 64 * 32 + 64 })
  })

  test('of a gather no more than the table', () => {
    const ids = tensor(new Int32Array(1000)).realize()
    expect(costOf(source(100, 16).gather(0, ids.reshape([1000, 1]).expand([1000, 16]))).bytes).toBe(4 * (1000 + 100 * 16 + 1000 * 16))
  })

  test('of causal attention two products a visible pair', () => {
    const [B, H, T, D] = [1, 2, 8, 4]
    const q = source(B, H, T, D)
    const value = scaledDotProductAttention(q, source(B, H, T, D), source(B, H, T, D), { causal: true })
    expect(costOf(value)).toEqual({ bytes: 4 * (4 * B * H * T * D + B * H * T), flops: B * H * (T * (T + 1) / 2) * 4 * D })
  })
})
