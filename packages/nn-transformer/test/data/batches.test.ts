import { RandomStream } from '@abovo/tensor-webgpu'
import { describe, expect, test } from 'vitest'
import { evaluationWindows, IGNORED } from '../../src/data/evaluation-windows.js'
import { maskedBatch } from '../../src/data/masked-batch.js'
import { RandomWindows } from '../../src/data/random-windows.js'
import { splitTokens } from '../../src/data/split.js'

const text = Int32Array.from({ length: 50 }, (_, i) => i)

describe('splitTokens', () => {
  test('holds out the end', () => {
    const { train, validation } = splitTokens(text, { validation: 0.1 })
    expect([...train, ...validation]).toEqual([...text])
    expect(validation.length).toBe(5)
  })
  test('refuses a text that is too short', () => expect(() => splitTokens([1, 2, 3])).toThrow(/two tokens, got 2 and 1/))
})

describe('RandomWindows', () => {
  test('targets are the tokens after the inputs, and every window can come up', () => {
    const windows = new RandomWindows(text, { batchSize: 3, blockSize: 45, stream: new RandomStream(1) })
    const starts = new Set<number>()
    for (let i = 0; i < 40; i++) {
      const { inputs, targets } = windows.next()
      expect(inputs.shape).toEqual([3, 45])
      inputs.data.forEach((token, at) => expect(targets.data[at]).toBe(token + 1))
      for (let b = 0; b < 3; b++) starts.add(inputs.data[b * 45])
    }
    expect([...starts].sort()).toEqual([0, 1, 2, 3, 4])
  })
  test('goes on from a saved counter', () => {
    const windows = new RandomWindows(text, { batchSize: 2, blockSize: 4, stream: new RandomStream(1) })
    windows.next()
    const { counter } = windows.stream
    const second = windows.next()
    expect(new RandomWindows(text, { batchSize: 2, blockSize: 4, stream: new RandomStream(1, counter) }).next()).toEqual(second)
  })
  test('refuses a text shorter than a window', () => expect(() => new RandomWindows(text, { batchSize: 1, blockSize: 50, stream: new RandomStream(1) })).toThrow(/51 tokens, got 50/))
})

describe('evaluationWindows', () => {
  test.each([[8, 8, 2], [8, 3, 2], [8, 1, 4], [49, 49, 1], [100, 20, 3], [1, 1, 5]])('block %i, stride %i, batch %i: every target once, with what is before it', (blockSize, stride, batchSize) => {
    const scored: number[] = []
    for (const { inputs, targets } of evaluationWindows(text, { blockSize, stride, batchSize })) {
      expect(inputs.shape[0]).toBe(batchSize)
      targets.data.forEach((target, at) => {
        if (target === IGNORED) return
        scored.push(target)
        expect(inputs.data[at]).toBe(target - 1)
        const place = at % inputs.shape[1]
        expect(inputs.data[at - place]).toBe(target - 1 - place)   // the window is whole
        if (target > blockSize) expect(place).toBeGreaterThanOrEqual(inputs.shape[1] - stride)
      })
    }
    expect(scored).toEqual([...text.subarray(1)])
  })
})

describe('maskedBatch', () => {
  const rows = Array.from({ length: 400 }, (_, b) => Int32Array.from({ length: 3 + (b % 14) }, (_, t) => 2 + ((b * 7 + t * 3) % 38)))
  const { inputs, labels, attentionMask } = maskedBatch(rows, { length: 16, vocabSize: 40, maskToken: 1, padToken: 0, specialTokens: [2], stream: new RandomStream(3) })
  const original = (at: number): number => rows[Math.floor(at / 16)][at % 16] ?? 0

  test('asks for about 15 % of the ordinary tokens, at least one a row, and labels them with the truth', () => {
    const asked = [...labels.data.keys()].filter(at => labels.data[at] !== IGNORED)
    asked.forEach(at => expect(labels.data[at]).toBe(original(at)))
    const ordinary = [...inputs.data.keys()].filter(at => original(at) > 2).length
    expect(asked.length / ordinary).toBeGreaterThan(0.13)
    expect(asked.length / ordinary).toBeLessThan(0.22)
    rows.forEach((row, b) => row.some(token => token > 2) && expect(asked.some(at => Math.floor(at / 16) === b)).toBe(true))
  })
  test('hides 80 %, replaces 10 % and leaves 10 % of those; all else stays', () => {
    const share = (holds: (at: number) => boolean): number => {
      const asked = [...labels.data.keys()].filter(at => labels.data[at] !== IGNORED)
      return asked.filter(holds).length / asked.length
    }
    expect(Math.abs(share(at => inputs.data[at] === 1) - 0.8)).toBeLessThan(0.06)
    expect(Math.abs(share(at => inputs.data[at] === original(at)) - 0.1)).toBeLessThan(0.05)
    labels.data.forEach((label, at) => label === IGNORED && expect(inputs.data[at]).toBe(original(at)))
  })
  test('marks padding', () => attentionMask.data.forEach((real, at) => expect(real).toBe(original(at) === 0 ? 0 : 1)))
})
