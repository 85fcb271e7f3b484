import { tensor, type Device } from '@abovo/tensor-webgpu'
import { beforeAll, expect, test } from 'vitest'
import { CachedSession } from '../../src/generate/cached-session.js'
import { PlainSession, type DecodingSession } from '../../src/generate/decoding-session.js'
import { generate, streamTokens } from '../../src/generate/generate.js'
import { RecurrentSession } from '../../src/generate/recurrent-session.js'
import { Gpt } from '../../src/models/gpt.js'
import { RecurrentLanguageModel } from '../../src/models/rnn.js'
import type { LanguageModel } from '../../src/models/language-model.js'
import { describeOnHosts } from '../describe-on-devices.js'
import { expectClose, goldenJson, goldenState } from '../golden.js'
import { goldenGpt } from '../models/golden-gpt.js'

const near = { absolute: 1e-5, relative: 1e-4 }

describeOnHosts('generation', open => {
  let device: Device
  beforeAll(async () => {
    device = await open()
  })
  // a wide start, so that the choices are not all alike
  const gpt = (): Gpt => new Gpt({ vocabSize: 13, nPositions: 16, nEmbd: 8, nLayer: 2, nHead: 2, initializerRange: 0.5 }, { seed: 5, device })
  const lstm = (): RecurrentLanguageModel => new RecurrentLanguageModel({ kind: 'lstm', vocabSize: 13, nEmbd: 6, nLayer: 2 }, { seed: 5, device })

  /** Logits of the last token of each row by a full forward pass of that row alone. */
  async function fullLogits(model: LanguageModel, rows: readonly (readonly number[])[]): Promise<number[]> {
    const all = await Promise.all(rows.map(async row => {
      const logits = await model.forward(tensor(Int32Array.from(row), { shape: [1, row.length], device })).data()
      return [...logits].slice(-model.vocabSize)
    }))
    return all.flat()
  }

  test.each([
    ['keys and values cached', gpt, (model: LanguageModel) => new CachedSession(model as Gpt, { batchSize: 2 })],
    ['nothing remembered', gpt, (model: LanguageModel) => new PlainSession(model, { batchSize: 2 })],
    ['a recurrent state', lstm, (model: LanguageModel) => new RecurrentSession(model as RecurrentLanguageModel, { batchSize: 2 })],
  ] as const)('with %s, every step has the logits of the full forward pass, for prompts of two lengths', async (_, make, open) => {
    const model = make()
    const session: DecodingSession = open(model)
    for (const prompts of [[[1, 2, 3, 4, 5], [6, 7]], [[9], [3, 1, 4, 1, 5, 9, 2, 6, 5]]]) {
      const rows = prompts.map(prompt => [...prompt])
      expectClose('first', await session.begin(rows.map(row => Int32Array.from(row))), await fullLogits(model, rows), near)
      for (const next of [[0, 12], [11, 2], [3, 3]]) {
        rows.forEach((row, b) => row.push(next[b]))
        expectClose('next', await session.next(Int32Array.from(next)), await fullLogits(model, rows), near)
      }
    }
  })

  test("greedy continuation of Hugging Face's GPT-2 equals that of transformers", async () => {
    const ids = goldenState('gpt2', 'reference.safetensors').get('input_ids')!.data
    const [wanted] = goldenJson('gpt2', 'reference.json')['greedy'] as number[][]
    // the prompt is where the reference's inputs and its continuation agree
    const prompt = wanted.slice(0, wanted.findIndex((token, i) => token !== ids[i]))
    const [{ tokens }] = await generate(goldenGpt(device), [prompt], { maxNewTokens: wanted.length - prompt.length, temperature: 0, seed: 0 })
    expect([...prompt, ...tokens]).toEqual(wanted)
  })

  test('a seed gives the same tokens, alone or in a batch, streamed or not', async () => {
    const model = gpt()
    const options = { maxNewTokens: 6, seed: 4, temperature: 0.9, topK: 8, topP: 0.95 }
    const [first, second] = await generate(model, [[1, 2, 3], [4]], options)
    const [alone] = await generate(model, [[1, 2, 3]], options)
    expect(alone.tokens).toEqual(first.tokens)
    expect(second.tokens.length).toBe(6)
    const streamed: number[] = []
    for await (const { token } of streamTokens(model, [1, 2, 3], options)) streamed.push(token)
    expect(streamed).toEqual([...first.tokens])
    expectClose('log-probs', alone.logProbs, first.logProbs, near)
  })

  test('stops at a stop token, which is kept, and says so', async () => {
    const model = gpt()
    const [free] = await generate(model, [[1, 2, 3]], { maxNewTokens: 6, seed: 4 })
    const [stopped] = await generate(model, [[1, 2, 3]], { maxNewTokens: 6, seed: 4, stopTokens: [free.tokens[2]] })
    expect(free.finish).toBe('length')
    expect(stopped.finish).toBe('stop')
    expect(stopped.tokens).toEqual(free.tokens.slice(0, free.tokens.indexOf(free.tokens[2]) + 1))
  })

  test('prompt and continuation that fit the context together are never cut: as with the whole sequence anew', async () => {
    const model = gpt()
    // 5 + 11 tokens in a context of 16; rounding the prompt up to 8 would leave room for 8
    const options = { maxNewTokens: 12, seed: 6 }
    const [cached] = await generate(model, [[1, 2, 3, 4, 5]], options)
    const [plain] = await generate(model, [[1, 2, 3, 4, 5]], { ...options, session: new PlainSession(model, { batchSize: 1 }) })
    expect(cached.tokens).toEqual(plain.tokens)
    expectClose('log-probs', cached.logProbs, plain.logProbs, near)
  })

  test('goes on when the context is full', async () => {
    const [long] = await generate(gpt(), [[1, 2, 3]], { maxNewTokens: 40, seed: 4 })
    expect(long.tokens.length).toBe(40)
  })

  test.each([[{ temperature: -1 }, /temperature must be 0 or more, got -1/], [{ temperature: NaN }, /temperature/], [{ topK: 0 }, /topK must be a positive integer, got 0; /], [{ topK: 1.5 }, /topK/], [{ topP: 0 }, /topP must be above 0 and at most 1, got 0; /], [{ topP: 2 }, /topP/], [{ maxNewTokens: -1 }, /maxNewTokens must be a non-negative integer, got -1/]])('refuses %o', async (option, message) => {
    await expect(generate(gpt(), [[1]], { maxNewTokens: 1, seed: 1, ...option })).rejects.toThrow(message)
  })

  test('refuses prompts it cannot take', async () => {
    await expect(generate(gpt(), [[]], { maxNewTokens: 1, seed: 1 })).rejects.toThrow(/at least one token/)
    await expect(generate(gpt(), [[13]], { maxNewTokens: 1, seed: 1 })).rejects.toThrow(/got 13 at 0/)
  })
})
