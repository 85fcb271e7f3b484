import { expect, test } from 'vitest'
import { History } from '../../src/run/history.ts'

const filled = (count: number, history = new History()): History => {
  for (let step = 1; step <= count; step++) history.add({ step, loss: step })
  return history
}

test('a short curve keeps every point', () => expect(filled(10).points.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))

test('a long curve stays below 2,000 points and ends near its last step', () => {
  const { points } = filled(50_000)
  expect(points.length).toBeLessThan(2000)
  expect(points[points.length - 1].step).toBeGreaterThan(49_900)
})

test('a thinned point is the mean of the steps it stands for', () => {
  const { points } = filled(2000)
  expect(points[0]).toEqual({ step: 2, loss: 1.5 })
})

test('a restored curve goes on at the stride it had', () => {
  const first = filled(3000)
  const second = new History(first.points)
  for (let step = 3001; step <= 3002; step++) second.add({ step, loss: 1 })
  expect(second.points.length).toBe(first.points.length + 1)
})
