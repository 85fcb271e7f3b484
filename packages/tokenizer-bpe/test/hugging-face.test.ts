// Hugging Face's own tokenizers (npm `tokenizers`, a native module) as the oracle: trained here and read there, and the reverse.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CharacterTokenizer, loadTokenizer, trainBpe } from '../src/index.ts'
import { GROUP_NAMES, awkwardText } from './awkward.ts'

interface Native {
  Tokenizer: {
    new(model: unknown): { train(files: string[]): void; setPreTokenizer(part: unknown): void; save(file: string): void }
    fromString(json: string): { encode(text: string, pair?: null, options?: object): Promise<{ getIds(): number[] }>; decode(ids: number[], skipSpecial: boolean): Promise<string> }
  }
  BPE: { empty(): unknown }
  byteLevelPreTokenizer(addPrefixSpace: boolean): unknown
}

function nativeTokenizers(): Native | undefined {
  try {
    return createRequire(import.meta.url)('tokenizers')
  } catch (error) {
    process.stderr.write(`SKIPPED: npm's tokenizers has no native module here: ${error instanceof Error ? error.message : String(error)}\n`)
    return undefined
  }
}

const native = nativeTokenizers()
const folder = mkdtempSync(join(tmpdir(), 'abovo-tokenizer-'))
afterAll(() => rmSync(folder, { recursive: true }))

const texts = GROUP_NAMES.filter((name) => name !== 'surrogates').flatMap((group) => Array.from({ length: 60 }, (_, seed) => awkwardText(group, seed, 40)))

describe.runIf(native !== undefined)('beside Hugging Face', () => {
  const { Tokenizer, BPE, byteLevelPreTokenizer } = native!

  it('the merges learned are the same, in order, with the same ids', () => {
    const file = join(folder, 'corpus.txt')
    const corpus = texts.join('\n')
    writeFileSync(file, corpus)
    const theirs = new Tokenizer(BPE.empty())
    theirs.setPreTokenizer(byteLevelPreTokenizer(false))
    theirs.train([file])
    theirs.save(join(folder, 'tokenizer.json'))
    const { model }: { model: { vocab: object; merges: unknown[] } } = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8'))
    // its default trainer takes the bytes of the corpus as alphabet and 30,000 tokens at most
    const ours: { model: { vocab: object; merges: unknown } } = JSON.parse(JSON.stringify(trainBpe(corpus, { vocabSize: 30000, alphabet: 'seen' })))
    expect(ours.model.merges).toEqual(model.merges)
    expect(ours.model.vocab).toEqual(model.vocab)
    expect(model.merges.length).toBeGreaterThan(1500)
  })

  it('a tokenizer.json written here gives the same ids and text there', async () => {
    const ours = trainBpe(texts.join('\n'), { vocabSize: 900, specialTokens: ['<|end|>', '<|pad|>'] })
    const theirs = Tokenizer.fromString(JSON.stringify(ours))
    for (const text of [...texts, 'a<|end|>b <|pad|>']) {
      const ids = Array.from(ours.encode(text, { allowedSpecial: 'all' }))
      expect((await theirs.encode(text)).getIds()).toEqual(ids)
      expect(await theirs.decode(ids, false)).toBe(ours.decode(ids))
    }
  })

  it('a character tokenizer written here gives the same ids and text there', async () => {
    const text = texts.join('')
    const ours = CharacterTokenizer.train(text, { specialTokens: ['<|end|>'] })
    const theirs = Tokenizer.fromString(JSON.stringify(ours))
    const ids = Array.from(ours.encode(text))
    expect((await theirs.encode(text)).getIds()).toEqual(ids)
    expect(await theirs.decode(ids, false)).toBe(text)
    expect(loadTokenizer(JSON.stringify(ours)).encode(text).join()).toBe(ids.join())
  })
})
