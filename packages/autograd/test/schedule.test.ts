import { beforeAll, describe, expect, test } from 'vitest'
import { requestDevice, tensor } from '@abovo/tensor-webgpu'
import { constantSchedule, cosineSchedule, linearSchedule, noamSchedule, oneCycleSchedule, warmupCosineSchedule, warmupStableDecaySchedule } from '../src/optim/schedule.ts'

beforeAll(() => requestDevice('reference'))

describe('schedules', () => {
  test('warm-up and cosine rise to the peak, and fall to the last value', () => {
    const lr = warmupCosineSchedule({ lr: 1, finalLr: 0.1, warmupSteps: 10, steps: 110 })
    expect([lr(0), lr(4), lr(9), lr(10), lr(60), lr(110), lr(500)].map(v => +v.toFixed(6))).toEqual([0.1, 0.5, 1, 1, 0.55, 0.1, 0.1])
  })
  test('warm-up, stable and decay keep the peak in between', () => {
    const lr = warmupStableDecaySchedule({ lr: 2, warmupSteps: 2, decaySteps: 4, steps: 10 })
    expect(Array.from({ length: 12 }, (_, i) => lr(i))).toEqual([1, 2, 2, 2, 2, 2, 2, 1.5, 1, 0.5, 0, 0])
  })
  test('Noam gives the values of the paper\'s formula', () => {
    const lr = noamSchedule({ modelSize: 512, warmupSteps: 4000 })
    // ../shared/golden/rlhf.json, noam_d512_w4000
    const known = [[1, 1.746928107421711e-7], [1000, 0.0001746928107421711], [4000, 0.0006987712429686843], [16000, 0.00034938562148434214], [100000, 0.00013975424859373687]]
    for (const [n, value] of known) expect(lr(n - 1) / value).toBeCloseTo(1, 12)
  })
  test('one-cycle gives the values of PyTorch\'s OneCycleLR(max_lr=1, total_steps=10)', () => {
    const lr = oneCycleSchedule({ lr: 1, steps: 10 })
    const torch = [0.04, 0.52, 1, 0.9504846320134737, 0.8117456539497631, 0.6112620219362893, 0.3887419780637108, 0.18825834605023698, 0.04951936798652634, 4e-6]
    torch.forEach((value, step) => expect(lr(step)).toBeCloseTo(value, 10))
  })
  test.each([
    ['constant', constantSchedule(0.3)],
    ['linear', linearSchedule({ lr: 1, finalLr: 0.5, steps: 7 })],
    ['cosine', cosineSchedule({ lr: 1, steps: 9 })],
    ['warm-up and cosine', warmupCosineSchedule({ lr: 1, finalLr: 0.1, warmupSteps: 3, steps: 11 })],
    ['warm-up and cosine without warm-up', warmupCosineSchedule({ lr: 1, warmupSteps: 0, steps: 5 })],
    ['warm-up, stable and decay', warmupStableDecaySchedule({ lr: 1, warmupSteps: 3, decaySteps: 4, steps: 12 })],
    ['Noam', noamSchedule({ modelSize: 16, warmupSteps: 4 })],
    ['one-cycle', oneCycleSchedule({ lr: 1, steps: 12 })],
  ])('%s is the same in the graph and on the host', async (_, lr) => {
    for (let step = 0; step < 14; step++) expect(await lr(tensor(step)).item()).toBeCloseTo(lr(step), 12)
  })
  test('refuse a warm-up longer than the run', () => {
    expect(() => warmupCosineSchedule({ lr: 1, warmupSteps: 20, steps: 10 })).toThrow('steps − warmupSteps must be a non-negative whole number of steps, got -10')
  })
})
