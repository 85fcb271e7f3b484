import { describe, expect, test } from 'vitest'
import { readStory, writeStory } from '../../src/run/story.ts'

const settings = { vocabSize: 300, nLayer: 2, nHead: 2, nEmbd: 64, nPositions: 64, batchSize: 8, steps: 100, lr: 1e-3, seed: 1 }
const report = { settings, parameters: 1, trainable: true, text: 'a book', step: 7, points: [{ step: 1, loss: 5.5 }], validation: [{ step: 5, loss: 4.25 }], bitsPerByte: 2.5, samples: [{ step: 3, text: '<b>' }] }
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

describe('run.json', () => {
  test('gives back what was written', () => {
    const { parameters: _, trainable: __, ...story } = report
    expect(readStory(writeStory(report))).toEqual(story)
  })
  test.each([['no JSON', new TextEncoder().encode('{')], ['a list', bytes([])], ['a later version', bytes({ format: 'ab-ovo-playground', version: 2 })], ['missing settings', bytes({ format: 'ab-ovo-playground', version: 1, text: '' })]])('of %s is no story', (_, file) => {
    expect(readStory(file)).toBeNull()
  })
  test('drops points and samples that are none', () => {
    const story = readStory(bytes({ format: 'ab-ovo-playground', version: 1, settings, text: '', points: [[1, 'x'], null, [2, 3]], samples: [{ step: 1 }, 'no'] }))
    expect(story?.points).toEqual([{ step: 2, loss: 3 }])
    expect(story?.samples).toEqual([])
  })
})
