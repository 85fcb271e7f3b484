import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { type EncodingName, loadTiktoken, loadTokenizer, splitterOf } from '../src/index.ts'
import { GROUP_NAMES, awkwardText, xorshift } from './awkward.ts'
import { oracle, ours, published } from './openai.ts'

// every commit a sample; ABOVO_FUZZ=7000 makes it more than 100,000 texts for each encoding
const TEXTS = Number(process.env.ABOVO_FUZZ ?? 150)

describe.each(['r50k_base', 'p50k_base', 'cl100k_base', 'o200k_base'] as const)('%s', (name) => {
  const tokenizer = ours(name)
  const tiktoken = oracle(name)
  afterAll(() => tiktoken.free())

  it.each(GROUP_NAMES)('gives the ids of tiktoken for texts of %s', (group) => {
    for (let seed = 0; seed < TEXTS; seed++) {
      const text = awkwardText(group, seed)
      const ids = tokenizer.encodeOrdinary(text)
      const expected = tiktoken.encode_ordinary(text)
      if (ids.join() !== expected.join()) expect({ text, ids: Array.from(ids) }).toEqual({ text, ids: Array.from(expected) })
    }
  })

  it('gives the ids of tiktoken for texts made of its own tokens', () => {
    const random = xorshift(7)
    for (let n = 0; n < TEXTS * 4; n++) {
      const tokens = Array.from({ length: 1 + random() % 12 }, () => random() % 50000)
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(tokenizer.decodeBytes(tokens))
      expect(tokenizer.encodeOrdinary(text).join(), text).toBe(tiktoken.encode_ordinary(text).join())
    }
  })

  it('decodes to the text it encoded', () => {
    for (const group of GROUP_NAMES) {
      const text = awkwardText(group, 1, 200)
      expect(tokenizer.decode(tokenizer.encodeOrdinary(text))).toBe(text.replace(/\p{Surrogate}/gu, '\ufffd'))
    }
  })

  it('gives the same ids through the general pattern path', () => {
    const { bpe_ranks: ranks, pat_str: pattern } = published(name)
    // a group around it hides that the pattern is a known one
    const general = loadTiktoken(ranks, { splitter: splitterOf(`(?:${pattern})`, 'rust'), specialTokens: [] })
    for (const group of GROUP_NAMES) {
      for (let seed = 0; seed < 20; seed++) {
        const text = awkwardText(group, seed)
        expect(general.encodeOrdinary(text).join(), text).toBe(tokenizer.encodeOrdinary(text).join())
      }
    }
  })
})

describe('an encoding', () => {
  it('has the special ids of tiktoken', () => {
    for (const name of ['r50k_base', 'p50k_base', 'p50k_edit', 'cl100k_base', 'o200k_base', 'gpt2'] as const) {
      expect(Object.fromEntries(ours(name).specialTokens)).toEqual(published(name).special_tokens)
    }
  })

  it('o200k_harmony has the 1,091 special tokens of tiktoken 0.14', () => {
    const { specialTokens, vocabSize } = ours('o200k_harmony')
    expect([specialTokens.size, vocabSize]).toEqual([1091, 201088])
    expect(['<|startoftext|>', '<|return|>', '<|channel|>', '<|call|>', '<|reserved_201087|>', '<|endofprompt|>'].map((token) => specialTokens.get(token)))
      .toEqual([199998, 200002, 200005, 200012, 201087, 200018])
  })

  // assertions of tiktoken's own tests
  it.each([
    ['r50k_base', 'hello world', [31373, 995]],
    ['cl100k_base', 'hello world', [15339, 1917]],
    ['cl100k_base', 'rer', [38149]],
    ['cl100k_base', "'rer", [2351, 81]],
    ['cl100k_base', 'today\n ', [31213, 198, 220]],
    ['cl100k_base', 'today\n \n', [31213, 27907]],
    ['cl100k_base', 'today\n  \n', [31213, 14211]],
    ['cl100k_base', ' \u00850', [220, 126, 227, 15]],
    ['cl100k_base', '👍', [9468, 239, 235]],
    ['cl100k_base', '', []],
  ] as const)('%s encodes %j as tiktoken tests it', (name, text, ids) => {
    expect(Array.from(ours(name).encode(text))).toEqual(ids)
  })

  it('holds the 313 vectors that gpt-tokenizer publishes', () => {
    const vectors: [EncodingName, string, number[]][] = JSON.parse(readFileSync(new URL('./fixtures/gpt-tokenizer-vectors.json', import.meta.url), 'utf8'))
    const opened = new Map([...new Set(vectors.map(([name]) => name))].map((name) => [name, ours(name)]))
    expect(vectors.length).toBe(313)
    expect(vectors.map(([name, text]) => Array.from(opened.get(name)!.encodeOrdinary(text)))).toEqual(vectors.map(([, , ids]) => ids))
  })

  it('recovers every merge of its vocabulary', () => {
    expect(ours('r50k_base').pairs.list().length / 3).toBe(50000)
    expect(ours('cl100k_base').pairs.list().length / 3).toBe(100000)
  })

  it('written as tokenizer.json and read again gives the same ids', () => {
    const r50k = ours('r50k_base')
    const again = loadTokenizer(JSON.stringify(r50k))
    for (const group of GROUP_NAMES) {
      const text = awkwardText(group, 3, 100)
      expect(again.encode(text).join()).toBe(r50k.encode(text).join())
    }
  })
})
