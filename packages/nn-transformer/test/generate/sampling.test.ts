import { RandomStream } from '@abovo/tensor-webgpu'
import { describe, expect, test } from 'vitest'
import { beamSearch, lengthPenaltyOf } from '../../src/generate/beam-search.js'
import { chooseToken, topTokens } from '../../src/generate/sampling.js'

describe('chooseToken', () => {
  const probabilities = [0.1, 0.4, 0.2, 0.3]
  const logits = probabilities.map(p => Math.log(p) + 3)
  const frequencies = (options: Parameters<typeof chooseToken>[1]): number[] => {
    const stream = new RandomStream(1)
    const counts = [0, 0, 0, 0]
    for (let i = 0; i < 20_000; i++) counts[chooseToken(logits, options, stream.uniform()).token] += 1 / 20_000
    return counts
  }
  const expectFrequencies = (options: Parameters<typeof chooseToken>[1], wanted: number[]): void => frequencies(options).forEach((f, i) => expect(Math.abs(f - wanted[i])).toBeLessThan(0.015))

  test('draws tokens as often as they are likely', () => expectFrequencies({}, probabilities))
  test('temperature sharpens', () => expectFrequencies({ temperature: 0.5 }, probabilities.map(p => p * p / 0.3)))
  test('temperature 0 takes the likeliest, the first of equals', () => {
    expect(chooseToken(logits, { temperature: 0 }, 0.99).token).toBe(1)
    expect(chooseToken([1, 1, 1], { temperature: 0 }, 0.99).token).toBe(0)
  })
  test('top-k keeps the k likeliest', () => expectFrequencies({ topK: 2 }, [0, 4 / 7, 0, 3 / 7]))
  test('top-p keeps the fewest tokens that reach p', () => {
    expectFrequencies({ topP: 0.69 }, [0, 4 / 7, 0, 3 / 7])
    expectFrequencies({ topP: 0.71 }, [0, 4 / 9, 2 / 9, 3 / 9])
    expectFrequencies({ topP: 0 }, [0, 1, 0, 0])
  })
  test('gives the log-probability before the cuts, at the temperature', () => {
    expect(chooseToken(logits, { topK: 1 }, 0.5).logProb).toBeCloseTo(Math.log(0.4), 12)
    expect(chooseToken(logits, { temperature: 0.5, topK: 2 }, 0).logProb).toBeCloseTo(Math.log(0.16 / 0.3), 12)
    expect(chooseToken(logits, { temperature: 0 }, 0).logProb).toBeCloseTo(Math.log(0.4), 12)
  })
  test('never draws a token of probability zero', () => {
    for (const uniform of [0, 0.5, 1 - 2 ** -24]) expect(chooseToken([-Infinity, 0, -Infinity], {}, uniform).token).toBe(1)
  })
  test('topTokens orders by value, then by token', () => expect(topTokens([1, 3, 2, 3], 3)).toEqual([1, 3, 2]))
})

describe('beamSearch', () => {
  // Two-step language: 1 is likely at first but leads nowhere good; 2 is less likely but certain to be followed by 3. 0 ends.
  const next = (row: readonly number[]): number[] => {
    const last = row[row.length - 1]
    if (last === 9) return [0.01, 0.5, 0.49, 1e-9]
    if (last === 2) return [1e-9, 1e-9, 1e-9, 1]
    return last === 3 ? [1, 1e-9, 1e-9, 1e-9] : [0.4, 0.2, 0.2, 0.2]
  }
  const logits = (rows: readonly (readonly number[])[]): Promise<number[]> => Promise.resolve(rows.flatMap(row => next(row).map(Math.log)))

  test('finds the likelier text that greedy choice misses', async () => {
    const [best] = await beamSearch([9], logits, { beams: 2, maxLength: 6, endToken: 0, lengthPenalty: 0 })
    expect(best.tokens).toEqual([9, 2, 3, 0])
    expect(best.logProb).toBeCloseTo(Math.log(0.49), 6)
    const [greedy] = await beamSearch([9], logits, { beams: 1, maxLength: 6, endToken: 0, lengthPenalty: 0 })
    expect(greedy.tokens).toEqual([9, 1, 0])
  })

  test('with as many beams as there are texts it is exhaustive', async () => {
    const all = await beamSearch([9], logits, { beams: 64, maxLength: 4, endToken: 0, lengthPenalty: 0 })
    const mass = all.reduce((sum, { logProb }) => sum + Math.exp(logProb), 0)
    expect(mass).toBeCloseTo(1, 6)
  })

  test.each([[1, 1], [5, 1.3586551826765378], [10, 1.7328621078878659], [50, 3.7785647040565777]])('the length penalty of %i tokens is that of arXiv 1609.08144', (length, wanted) => {
    expect(lengthPenaltyOf(length, 0.6)).toBeCloseTo(wanted, 12)
  })
})
