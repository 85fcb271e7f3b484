import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { splitterOf } from '../src/split/pattern-splitter.ts'
import { piecesOf } from './pieces.ts'

// what Hugging Face's tokenizers 0.23.2 gives; see scripts/make-split-fixture.py
const fixture: { texts: string[]; cases: { pattern: string; splits: string[][] }[] } =
  JSON.parse(readFileSync(new URL('./fixtures/split-patterns.json', import.meta.url), 'utf8'))

describe('a pattern of a tokenizer file', () => {
  it.each(fixture.cases)('splits as Oniguruma does: $pattern', ({ pattern, splits }) => {
    const splitter = splitterOf(pattern)
    expect(fixture.texts.map((text) => piecesOf(splitter, text))).toEqual(splits)
  })

  it.each([String.raw`(a+)+$`, String.raw`(a|a)*b`, String.raw`(.*.*.*.*)x`, String.raw`(?:a?){30}a{30}b`, String.raw`(?=(a+)+b)c|\s*\s*\s*x`])(
    'that would run for years stops within a second: %s', (pattern) => {
      const begin = process.cpuUsage()
      try {
        piecesOf(splitterOf(pattern), 'a'.repeat(3000) + '!')
      } catch (error) {
        expect(error).toMatchObject({ code: 'PATTERN_TOO_SLOW' })
      }
      expect(process.cpuUsage(begin).user / 1e6).toBeLessThan(2)
    })

  it('with a loop over a group takes a word of any length', () => {
    const word = 'e\u0301'.repeat(100_000)
    expect(piecesOf(splitterOf(String.raw` ?(?:\p{L}\p{M}*)+|.`), `${word} ${word}`)).toEqual([word, ` ${word}`])
  })

  it.each(['(', ')', '[', 'a{3,1}', 'a{100000}', '*a', String.raw`\p{NoSuch}`, String.raw`\1`, '(?<', '(?Q)', String.raw`\x{110000}`, '(?<=a*)b'])(
    'that is malformed or unknown is refused: %s', (pattern) => {
      expect(() => splitterOf(pattern)).toThrowError(expect.objectContaining({ code: 'UNSUPPORTED_PATTERN' }))
    })
})
