import { requestDevice } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { packedBatch, packRows } from '../src/index.ts'

test('the longest goes first, each into the fullest row with room', () => {
  expect(packRows([3, 5, 2, 4, 1], 6)).toEqual([[1, 4], [3, 2], [0]])
  expect(packRows([], 6)).toEqual([])
  expect(() => packRows([7], 6)).toThrow('fit in 6 tokens, got 7 in row 0')
})

test('each example is laid out with its own positions and no prediction across borders', async () => {
  const device = await requestDevice('reference')
  const examples = [{ prompt: [5, 6], completion: [7] }, { prompt: [8], completion: [9, 1] }]
  const batch = packedBatch(examples, [[0, 1]], { device, length: 5, vocabSize: 10 })
  expect(await batch.inputs.array()).toEqual([[5, 6, 8, 9, 0]])
  expect(await batch.targets.array()).toEqual([[6, 7, 9, 1, 0]])
  expect(await batch.mask.array()).toEqual([[0, 1, 1, 1, 0]])
  expect(await batch.positions.array()).toEqual([[0, 1, 0, 1, 0]])
  expect(await batch.documents.array()).toEqual([[0, 0, 1, 1, -1]])
  expect(batch.count).toBe(3)
})
