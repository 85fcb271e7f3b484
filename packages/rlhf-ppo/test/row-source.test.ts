import { expect, test } from 'vitest'
import { rowsOfStep } from '../src/index.ts'

const rows = Array.from({ length: 10 }, (_, i) => i)

test('an epoch shows every row once, the next one in another order', () => {
  const epoch = (k: number) => [0, 1, 2, 3, 4].flatMap(i => rowsOfStep(rows, { step: 5 * k + i, count: 2, seed: 3 }))
  expect(epoch(0).toSorted((a, b) => a - b)).toEqual(rows)
  expect(epoch(1).toSorted((a, b) => a - b)).toEqual(rows)
  expect(epoch(0)).not.toEqual(epoch(1))
})

test('a step can be asked for again, alone', () => {
  expect(rowsOfStep(rows, { step: 7, count: 4, seed: 3 })).toEqual(rowsOfStep(rows, { step: 7, count: 4, seed: 3 }))
  expect(rowsOfStep((step, count) => [step, count], { step: 7, count: 4, seed: 3 })).toEqual([7, 4])
})

test('an empty list is refused', () => expect(() => rowsOfStep([], { step: 0, count: 1, seed: 0 })).toThrow('at least one row'))
