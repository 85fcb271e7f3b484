import { describe, expect, it } from 'vitest'
import { BpeTrainer, trainBpe, trainBpeFrom } from '../src/index.ts'
import { GROUP_NAMES, awkwardText } from './awkward.ts'

const corpus = GROUP_NAMES.flatMap((group) => Array.from({ length: 40 }, (_, seed) => awkwardText(group, seed, 40))).join('\n').replace(/\p{Surrogate}/gu, '')
const text = (made: object): string => JSON.stringify(made)

describe('training', () => {
  it('learns the merges of the worked example of byte pair encoding', () => {
    // en.wikipedia.org/wiki/Byte_pair_encoding: aaabdaaabac
    const made = trainBpe('aaabdaaabac', { vocabSize: 259 })
    const list = made.pairs.list()
    expect(Array.from({ length: 3 }, (_, k) => made.decode([list[k * 3 + 2]]))).toEqual(['aa', 'ab', 'aaab'])
    expect(made.decode(made.encode('aaabdaaabac'))).toBe('aaabdaaabac')
  })

  it('of a source that arrives in parts is the same', async () => {
    const bytes = new TextEncoder().encode(corpus)
    async function* parts() {
      for (let at = 0; at < bytes.length; at += 1001) yield bytes.subarray(at, at + 1001)
    }
    const options = { vocabSize: 800 }
    expect(text(await trainBpeFrom(parts(), options))).toBe(text(trainBpe(corpus, options)))
    expect(text(await trainBpeFrom(new Blob([corpus]), options))).toBe(text(trainBpe(corpus, options)))
  })

  it('from stored counts, and in any order of lines, is the same', () => {
    const options = { vocabSize: 800 }
    const lines = corpus.split(/(?<=\n)/)
    const first = new BpeTrainer(options)
    for (const line of lines.slice(0, 100)) first.add(line)
    const second = new BpeTrainer(options)
    for (const line of lines.slice(100).reverse()) second.add(line)
    second.addCounts(first.counts())
    expect(text(second.train())).toBe(text(trainBpe(corpus, options)))
  })

  it('that goes on from a smaller vocabulary gives the larger one', () => {
    const small = trainBpe(corpus, { vocabSize: 400, specialTokens: ['<|end|>'] })
    expect(text(trainBpe(corpus, { vocabSize: 900, extend: small }))).toBe(text(trainBpe(corpus, { vocabSize: 900, specialTokens: ['<|end|>'] })))
  })

  it('stops at the minimum frequency, the longest token and the end of the pairs', () => {
    const rare = trainBpe('ab ab ab cd cd', { vocabSize: 1000, minFrequency: 3 })
    expect(rare.idOf('ab')).toBeDefined()
    expect(rare.idOf('cd')).toBeUndefined()
    const short = trainBpe(corpus, { vocabSize: 900, maxTokenLength: 3 })
    expect(Math.max(...short.vocabulary.lengths)).toBe(3)
    expect(trainBpe('ab', { vocabSize: 1000 }).vocabSize).toBe(257)
  })

  it('reports its progress and counts only so many words', () => {
    const seen: number[] = []
    trainBpe(corpus, { vocabSize: 300, onProgress: ({ merges, wanted }) => seen.push(merges / wanted) })
    expect(seen.at(-1)).toBe(1)
    expect(trainBpe('ab ab xy xy xy', { vocabSize: 1000, maxWords: 2 }).idOf('xy')).toBeUndefined()
  })

  it('with ties as first seen prefers the pair met first', () => {
    expect(trainBpe('zy ab', { vocabSize: 257, ties: 'first-seen' }).idOf('zy')).toBe(256)
    expect(trainBpe('zy ab', { vocabSize: 257 }).idOf('ab')).toBe(256)
  })

  it('of nothing gives the bytes', () => {
    expect(trainBpe('', { vocabSize: 300 }).vocabSize).toBe(256)
  })

  it.each([{ vocabSize: 0 }, { vocabSize: 1.5 }, { vocabSize: Number.NaN }, { vocabSize: 255 }, { vocabSize: 300, minFrequency: -1 }, { vocabSize: 300, specialTokens: ['a', 'a'] }, { vocabSize: 300, specialTokens: [''] }])(
    'refuses %j', (options) => {
      expect(() => trainBpe('abc', options)).toThrowError(expect.objectContaining({ code: 'INVALID_OPTION' }))
    })
})
