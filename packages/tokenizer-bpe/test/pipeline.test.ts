import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Tokenizer, BpeTokenizer, PipelineTokenizer, loadTokenizer } from '../src/index.ts'

interface Case {
  name: string
  file: object
  ids: number[][]
  plain: number[][]
  decoded: string[]
  skipped: string[]
  pair: { ids: number[]; typeIds: number[] }
}

// what Hugging Face's tokenizers 0.23.2 gives; see scripts/make-pipeline-fixture.py
const { texts, cases }: { texts: string[]; cases: Case[] } = JSON.parse(readFileSync(new URL('./fixtures/pipelines.json', import.meta.url), 'utf8'))

const list = (ids: ArrayLike<number>): number[] => Array.from(ids)

describe.each(cases)('a $name tokenizer.json', ({ file, ids, plain, decoded, skipped, pair }) => {
  const tokenizer: Tokenizer = loadTokenizer(file)

  it('encodes as Hugging Face does, template included', () => {
    expect(texts.map((text) => list(tokenizer.encode(text, { allowedSpecial: 'all' })))).toEqual(ids)
  })

  it('encodes without the template as Hugging Face does', () => {
    expect(texts.map((text) => list(tokenizer.encode(text, { allowedSpecial: 'all', addSpecialTokens: false })))).toEqual(plain)
  })

  it('decodes as Hugging Face does', () => {
    expect(plain.map((row) => tokenizer.decode(row))).toEqual(decoded)
  })

  it.runIf(tokenizer instanceof PipelineTokenizer)('decodes without special tokens as Hugging Face does', () => {
    if (!(tokenizer instanceof PipelineTokenizer)) return
    expect(ids.map((row) => tokenizer.decode(row, { skipSpecialTokens: true }))).toEqual(skipped)
  })

  it.runIf(tokenizer instanceof PipelineTokenizer)('encodes pairs as Hugging Face does', () => {
    if (!(tokenizer instanceof PipelineTokenizer)) return
    const encoded = tokenizer.encodePair(texts[0], texts[2], { allowedSpecial: 'all' })
    expect({ ids: list(encoded.ids), typeIds: list(encoded.typeIds) }).toEqual(pair)
  })

  it('is the same after toJSON and back', () => {
    const again = loadTokenizer(JSON.stringify(tokenizer))
    expect(again).toBeInstanceOf(tokenizer instanceof BpeTokenizer ? BpeTokenizer : PipelineTokenizer)
    expect(texts.map((text) => list(again.encode(text, { allowedSpecial: 'all' })))).toEqual(ids)
  })
})
