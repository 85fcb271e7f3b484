import { describe, expect, it } from 'vitest'
import { CharacterTokenizer, loadGpt2Files, loadSentencePiece, loadTiktoken, loadTokenizer, trainBpe } from '../src/index.ts'
import { byteLevelFile } from './byte-level-file.ts'

const fails = (run: () => unknown, code: string, ...parts: string[]): void => {
  expect(run).toThrowError(expect.objectContaining({ name: 'TokenizerError', code }))
  for (const part of parts) expect(run).toThrow(part)
}

describe('a .tiktoken file', () => {
  const open = (ranks: string) => () => loadTiktoken(ranks, 'r50k_base')

  it.each([
    ['IQ== 0\nIg==\n', 'line 2'], ['IQ== 0\nI*== 1\n', 'line 2'], ['IQ== 0\n\nIg== x\n', 'line 3'], ['IQ== 0 1\n', 'line 1'],
    ['IQ== -1\n', 'line 1'], ['IQ== 99999999999\n', 'line 1'], ['IQ= 0\n', 'line 1'], ['IQ== 0\nIg== 0\n', 'ranks that differ'],
  ])('%j is refused with its line', (ranks, part) => fails(open(ranks), 'INVALID_FORMAT', part))

  it('with the same token twice is refused', () => fails(open('IQ== 0\nIQ== 1\n'), 'INVALID_VOCABULARY', '0', '1'))

  it('without all bytes says which byte a text lacks', () => fails(() => open('IQ== 0\n')().encode('a'), 'UNKNOWN_CHARACTER', '0x61'))

  it('with gaps, Windows line ends and no last newline is opened', () => {
    expect(Array.from(loadTiktoken('IQ== 0\r\nIg== 7', { splitter: trainBpe('', { vocabSize: 256 }).splitter, specialTokens: [] }).encode('!"'))).toEqual([0, 7])
  })
})

describe("GPT-2's files", () => {
  it('with a malformed merge are refused with the line', () => {
    const encoder = '{"a":0,"b":1,"ab":2}'
    fails(() => loadGpt2Files(encoder, '#version: 0.2\na b\na b c\n'), 'INVALID_MERGES', 'line 3')
    fails(() => loadGpt2Files(encoder, 'a z\n'), 'INVALID_MERGES', 'line 1')
    fails(() => loadGpt2Files('{"a":0,"b":0}', ''), 'INVALID_FORMAT', '"b"')
    fails(() => loadGpt2Files('{"a":-1}', ''), 'INVALID_FORMAT', '-1')
    fails(() => loadGpt2Files('[', ''), 'INVALID_FORMAT', 'encoder.json')
  })
})

describe('a tokenizer.json', () => {
  it.each([
    ['not JSON', '{', 'INVALID_FORMAT'],
    ['not an object', '[]', 'INVALID_FORMAT'],
    ['without a model', '{}', 'INVALID_FORMAT'],
    ['of an unknown version', JSON.stringify({ ...byteLevelFile(), version: '2.0' }), 'INVALID_FORMAT'],
    ['with a fractional id', JSON.stringify(byteLevelFile({ vocab: { extra: 300.5 } })), 'INVALID_FORMAT'],
    ['with a negative id', JSON.stringify(byteLevelFile({ vocab: { extra: -3 } })), 'INVALID_FORMAT'],
    ['with an id that would fill the memory', JSON.stringify(byteLevelFile({ vocab: { extra: 2 ** 31 } })), 'INVALID_FORMAT'],
    ['with the same id twice', JSON.stringify(byteLevelFile({ vocab: { extra: 3 } })), 'INVALID_FORMAT'],
    ['with a merge of three', JSON.stringify(byteLevelFile({ merges: ['a b c'] })), 'INVALID_MERGES'],
    ['with a merge of unknown tokens', JSON.stringify(byteLevelFile({ merges: [['a', 'b']] })), 'INVALID_MERGES'],
    ['with an unknown model', JSON.stringify({ ...byteLevelFile(), model: { type: 'Magic', vocab: {} } }), 'UNSUPPORTED_COMPONENT'],
    ['with an unknown pre-tokenizer', JSON.stringify({ ...byteLevelFile(), pre_tokenizer: { type: 'Magic' } }), 'UNSUPPORTED_COMPONENT'],
    ['with an unknown normalizer', JSON.stringify({ ...byteLevelFile(), normalizer: { type: 'Magic' } }), 'UNSUPPORTED_COMPONENT'],
    ['with an unknown decoder', JSON.stringify({ ...byteLevelFile(), decoder: { type: 'Magic' } }), 'UNSUPPORTED_COMPONENT'],
    ['with an unknown post-processor', JSON.stringify({ ...byteLevelFile(), post_processor: { type: 'Magic' } }), 'UNSUPPORTED_COMPONENT'],
    ['nested thousands deep', `{"normalizer":${'{"type":"Sequence","normalizers":['.repeat(5000)}${']}'.repeat(5000)}}`, 'INVALID_FORMAT'],
    ['with a pattern that is none', JSON.stringify(byteLevelFile({ pattern: '(' })), 'UNSUPPORTED_PATTERN'],
  ])('%s is refused', (_, json, code) => fails(() => loadTokenizer(json), code))

  it('names the merge that is wrong', () => fails(() => loadTokenizer(byteLevelFile({ vocab: { ab: 256 }, merges: ['a b', 'b a'] })), 'INVALID_MERGES', 'merge 2', '"ba"'))

  it('with a hostile pattern opens, and stops within a second on a text made for it', () => {
    const tokenizer = loadTokenizer(byteLevelFile({ pattern: '(a+)+$' }))
    fails(() => tokenizer.encode('a'.repeat(40) + '!'), 'PATTERN_TOO_SLOW')
  })

  it('with __proto__ as a token has it as a token and leaves objects alone', () => {
    const json = JSON.stringify(byteLevelFile()).replace('"vocab":{', '"vocab":{"__proto__":300,')
    const tokenizer = loadTokenizer(json)
    expect(tokenizer.idOf('__proto__')).toBe(300)
    expect({}).not.toHaveProperty('300')
  })
})

describe('a sentencepiece model', () => {
  it.each([[[]], [[1, 2, 3]], [[10, 200, 1]], [[255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]], [[10, 2, 8]]])('of the bytes %j is refused', (bytes) => {
    fails(() => loadSentencePiece(Uint8Array.from(bytes)), 'INVALID_FORMAT')
  })
})

describe('random texts', () => {
  it('never throw and always come back, lone surrogates as U+FFFD', () => {
    const tokenizer = trainBpe('some text to train on', { vocabSize: 260 })
    for (let seed = 0; seed < 300; seed++) {
      const text = String.fromCharCode(...Array.from({ length: 200 }, (_, k) => Math.imul(seed * 200 + k + 1, 0x9e3779b1) >>> 16))
      const expected = text.replace(/\p{Surrogate}/gu, '\ufffd')
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(expected)
      expect(CharacterTokenizer.train(text).encode(text).length).toBe([...expected].length)
    }
  })
})
