import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { NGram } from '../../src/models/ngram.js'

/** The definition, with maps of strings: P_k = (c + u·P_{k−1}) / (h + u), up to the longest context that was seen. */
function slowProbability(text: readonly number[], order: number, vocabSize: number, before: readonly number[], token: number): number {
  let p = 1 / vocabSize
  for (let k = 0; k < order && k <= before.length; k++) {
    const context = before.slice(before.length - k)
    const followers = text.filter((_, i) => i >= k && context.every((wanted, j) => text[i - k + j] === wanted))
    if (followers.length === 0) break
    const different = new Set(followers).size
    p = (followers.filter(other => other === token).length + different * p) / (followers.length + different)
  }
  return p
}

describe('NGram', () => {
  const text = Array.from({ length: 400 }, (_, i) => (i * i * 7 + (i >> 2)) % 9)

  test.each([1, 2, 3, 6])('of order %i has the probabilities of the definition, which sum to one', order => {
    const model = new NGram({ order, vocabSize: 10 }).count(text)
    for (const before of [[], [3], [1, 2, 3, 4, 5, 6], [9, 9], text.slice(10, 20)]) {
      const all = Array.from({ length: 10 }, (_, token) => model.probability(before, token))
      all.forEach((p, token) => expect(p).toBeCloseTo(slowProbability(text, order, 10, before.slice(-Math.max(0, order - 1)).slice(0, order === 1 ? 0 : undefined), token), 12))
      expect(all.reduce((a, b) => a + b)).toBeCloseTo(1, 12)
      expect(Math.exp(model.logits(before)[4])).toBeCloseTo(all[4], 12)
    }
  })

  test('scores a text as the product of its probabilities', () => {
    const model = new NGram({ order: 3, vocabSize: 10 }).count(text)
    const held = [1, 4, 9, 0, 2, 2, 8]
    const nats = held.slice(1).reduce((sum, token, i) => sum - Math.log(model.probability(held.slice(0, i + 1), token)), 0)
    expect(model.natsOf(held)).toBeCloseTo(nats, 10)
  })

  test('draws the same text from the same seed, and tokens it has seen', () => {
    const model = new NGram({ order: 4, vocabSize: 1000 }).count([1, 2, 3, 500, 1, 2, 3, 500, 1, 2, 3, 500])
    const drawn = model.generate([1], { maxNewTokens: 30, seed: 2 })
    expect(model.generate([1], { maxNewTokens: 30, seed: 2 })).toEqual(drawn)
    expect(drawn.filter(token => [1, 2, 3, 500].includes(token)).length).toBeGreaterThan(15)
  })

  test('refuses tokens outside the vocabulary', () => {
    expect(() => new NGram({ order: 2, vocabSize: 5 }).count([1, 5])).toThrow(/got 5 at 1/)
    expect(() => new NGram({ order: 0, vocabSize: 5 })).toThrow(/order/)
  })

  const shakespeare = join(import.meta.dirname, '../../../../../shared/data/tinyshakespeare.txt')
  const there = existsSync(shakespeare)
  test.skipIf(!there)(`5-gram of tiny shakespeare, 90/10: 1.669 nats per character${there ? '' : ' (needs ../shared/data/tinyshakespeare.txt beside the repository)'}`, () => {
    const characters = [...readFileSync(shakespeare, 'utf8')]
    const ids = new Map([...new Set(characters)].sort().map((character, i) => [character, i]))
    const tokens = Int32Array.from(characters, character => ids.get(character)!)
    const border = Math.floor(tokens.length * 0.9)
    const model = new NGram({ order: 5, vocabSize: ids.size }).count(tokens.subarray(0, border))
    const held = tokens.subarray(border)
    expect(Math.abs(model.natsOf(held) / (held.length - 1) - 1.669)).toBeLessThan(0.005)
  })
})
