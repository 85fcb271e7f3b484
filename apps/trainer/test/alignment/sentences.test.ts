import { expect, test } from 'vitest'
import { sentencesOf, spread } from '../../src/alignment/sentences.ts'

test('a sentence is its first three words and the rest, space included', () => {
  expect(sentencesOf('Call me Ishmael. Some years ago I went to sea. He asked: "Who goes there in the night?"\nno end here and so on and on')).toEqual([
    { prompt: 'Some years ago', completion: ' I went to sea.' },
    { prompt: 'He asked: "Who', completion: ' goes there in the night?"' },
  ])
})

test('a spread selection keeps order and both halves', () => {
  expect(spread([0, 1, 2, 3, 4, 5, 6, 7], 4)).toEqual([0, 2, 4, 6])
  expect(spread([1, 2], 4)).toEqual([1, 2])
})
