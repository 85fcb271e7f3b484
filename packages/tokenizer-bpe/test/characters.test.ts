import { describe, expect, it } from 'vitest'
import { CharacterTokenizer, TokenIdError, loadTokenizer } from '../src/index.ts'

describe('a character tokenizer', () => {
  const tokenizer = CharacterTokenizer.train('hello 👍')

  it('has one token for each character, in the order of code points', () => {
    expect(Array.from(tokenizer.encode(' ehlo👍'))).toEqual([0, 1, 2, 3, 4, 5])
    expect(tokenizer.vocabSize).toBe(6)
  })

  it('decodes what it encoded', () => {
    expect(tokenizer.decode(tokenizer.encode('hello 👍'))).toBe('hello 👍')
  })

  it('names the character it has not seen', () => {
    expect(() => tokenizer.encode('help')).toThrowError(expect.objectContaining({ code: 'UNKNOWN_CHARACTER', message: expect.stringContaining('"p" (U+0070)') }))
  })

  it('takes the unknown token for it if there is one', () => {
    const withUnknown = CharacterTokenizer.train('hello', { unknownToken: '<unk>' })
    expect(withUnknown.decode(withUnknown.encode('help'))).toBe('hel<unk>')
  })

  it('is the same after JSON and back, with special tokens and __proto__ among them', () => {
    const made = CharacterTokenizer.train('_proto', { specialTokens: ['<|end|>', '__proto__'] })
    const again = loadTokenizer(JSON.stringify(made))
    expect(again).toBeInstanceOf(CharacterTokenizer)
    expect(again.specialTokens).toEqual(made.specialTokens)
    expect(Array.from(again.encode('proto<|end|>__proto__', { allowedSpecial: 'all' }))).toEqual(Array.from(made.encode('proto<|end|>__proto__', { allowedSpecial: 'all' })))
  })

  it.each([-1, 2 ** 31, Number.NaN, 1.5, 6])('refuses the id %d with a RangeError', (id) => {
    expect(() => tokenizer.decode([id])).toThrow(TokenIdError)
    expect(() => tokenizer.decode([id])).toThrow(RangeError)
  })

  it('encodes lone surrogates as U+FFFD', () => {
    const made = CharacterTokenizer.train('a\ud800')
    expect(made.decode(made.encode('\udc00a'))).toBe('\ufffda')
  })
})
