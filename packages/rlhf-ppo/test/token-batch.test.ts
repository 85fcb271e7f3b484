import { requestDevice } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { paddedRows, placeOnResponses, takeResponses, tokenBatch } from '../src/index.ts'

const device = await requestDevice('reference')
const examples = [{ prompt: [5, 6], completion: [7, 1] }, { prompt: [8], completion: [1] }]

test('targets are the inputs one step on, masked to the completion', async () => {
  const { inputs, targets, mask, count } = tokenBatch(examples, { device, vocabSize: 10, length: 4, padToken: 9 })
  expect(await inputs.array()).toEqual([[5, 6, 7, 9], [8, 9, 9, 9]])
  expect(await targets.array()).toEqual([[6, 7, 1, 9], [1, 9, 9, 9]])
  expect(await mask.array()).toEqual([[0, 1, 1, 0], [1, 0, 0, 0]])
  expect(count).toBe(3)
  expect(tokenBatch(examples, { device, vocabSize: 10, length: 4, completionOnly: false }).count).toBe(4)
})

test('rows that do not fit and ids that are not in the vocabulary are refused', () => {
  expect(() => tokenBatch(examples, { device, vocabSize: 10, length: 2 })).toThrow('at most 3 tokens, got 4 in row 0')
  expect(() => tokenBatch(examples, { device, vocabSize: 8, length: 4 })).toThrow('row 1')
  expect(() => paddedRows([[-1]], { device, vocabSize: 8, length: 4 })).toThrow('row 0')
})

test('what is placed on responses can be taken back', async () => {
  const rows = [Float64Array.of(1, 2), Float64Array.of(3)]
  const placed = placeOnResponses(rows, [2, 1], { device, length: 4 })
  expect(await placed.array()).toEqual([[0, 1, 2, 0], [3, 0, 0, 0]])
  expect(takeResponses(await placed.data(), 4, [2, 1], [2, 1])).toEqual(rows)
})

test('whole rows know their last token', async () => {
  const { ids, last } = paddedRows([[5, 6, 1], [8]], { device, vocabSize: 10, length: 3, padToken: 9 })
  expect(await ids.array()).toEqual([[5, 6, 1], [8, 9, 9]])
  expect(await last.array()).toEqual([2, 0])
})
