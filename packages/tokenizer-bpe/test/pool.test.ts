import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it } from 'vitest'
import { WorkerPool, trainBpe } from '../src/index.ts'
import { GROUP_NAMES, awkwardText } from './awkward.ts'

const texts = GROUP_NAMES.flatMap((group) => Array.from({ length: 40 }, (_, seed) => awkwardText(group, seed, 60)))
const corpus = texts.map((text) => text.replace(/\p{Surrogate}/gu, '')).join('\n')
const start = () => new Worker(new URL('./worker-of-sources.mjs', import.meta.url))

describe('a pool of workers', () => {
  const pool = new WorkerPool(start, 2)
  const tokenizer = trainBpe(corpus, { vocabSize: 600, specialTokens: ['<|end|>'] })
  afterAll(() => pool.close())

  it('gives the ids of one thread, in order', async () => {
    const ids = await pool.encodeAll(tokenizer, texts)
    expect(ids.map((row) => row.join())).toEqual(texts.map((text) => tokenizer.encode(text).join()))
  })

  it('trains the tokenizer of one thread under both tie rules', async () => {
    async function* parts() {
      for (let at = 0; at < corpus.length; at += 777) yield corpus.slice(at, at + 777)
    }
    for (const ties of ['hugging-face', 'first-seen'] as const) {
      const options = { vocabSize: 700, ties }
      expect(JSON.stringify(await pool.train(parts(), options))).toBe(JSON.stringify(trainBpe(corpus, options)))
    }
  })

  it('passes on the error for a special token in a text', async () => {
    await expect(pool.encodeAll(tokenizer, ['a', 'b <|end|>'])).rejects.toMatchObject({ code: 'SPECIAL_TOKEN_IN_TEXT' })
  })
})

it('a pool whose workers cannot start says so for every request', async () => {
  const broken = new WorkerPool(() => new Worker('throw new Error("no such program")', { eval: true }), 1)
  const tokenizer = trainBpe('abc', { vocabSize: 256 })
  await expect(broken.encodeAll(tokenizer, ['a'])).rejects.toThrow('no such program')
  await expect(broken.encodeAll(tokenizer, ['a'])).rejects.toThrow('no such program')
})
