// Tokens chosen on the device, block by block, against the host's sampler fed with the logits that were read.
import type { Device } from '@abovo/tensor-webgpu'
import { beforeAll, expect, test } from 'vitest'
import { CachedSession } from '../../src/generate/cached-session.js'
import type { DecodingSession } from '../../src/generate/decoding-session.js'
import { generate, streamTokens, type GenerateOptions } from '../../src/generate/generate.js'
import { Gpt } from '../../src/models/gpt.js'
import { describeOnHosts, describeOnWebgpu, webgpuTimeout } from '../describe-on-devices.js'
import { expectClose } from '../golden.js'

const near = { absolute: 2e-5, relative: 1e-4 }

/** The same session as one that only gives logits. */
function readingOnly(session: CachedSession): DecodingSession {
  const { batchSize, vocabSize, capacity } = session
  return {
    batchSize, vocabSize, capacity,
    get held() {
      return session.held
    },
    begin: (prompts, following) => session.begin(prompts, following),
    next: tokens => session.next(tokens),
    dispose: () => session.dispose(),
  }
}

function behaves(open: () => Promise<Device>): void {
  let device: Device
  let model: Gpt
  beforeAll(async () => {
    device = await open()
    // a wide start, so that the choices are not all alike
    model = new Gpt({ vocabSize: 29, nPositions: 32, nEmbd: 8, nLayer: 2, nHead: 2, initializerRange: 0.5 }, { seed: 5, device })
  }, webgpuTimeout)

  const prompts = [[1, 2, 3], [4], [5, 6, 7, 8, 9, 10]]
  const cases: [string, Omit<GenerateOptions, 'session'>][] = [
    ['without cuts', { maxNewTokens: 20, seed: 1 }],
    ['greedily', { maxNewTokens: 20, seed: 2, temperature: 0 }],
    ['from the likeliest', { maxNewTokens: 20, seed: 3, temperature: 0.8, topK: 5 }],
    ['from a nucleus', { maxNewTokens: 20, seed: 4, temperature: 1.2, topP: 0.7 }],
    ['until a stop token', { maxNewTokens: 20, seed: 5, topK: 3, topP: 0.9, stopTokens: [2, 11, 17, 23] }],
    ['beyond the context', { maxNewTokens: 45, seed: 6, topK: 9 }],
    ['a single token', { maxNewTokens: 1, seed: 7 }],
  ]

  test('what is chosen is what the host would choose', async () => {
    const session = new CachedSession(model, { batchSize: prompts.length })
    for (const [title, options] of cases) {
      const chosen = await generate(model, prompts, { ...options, session })
      const read = await generate(model, prompts, { ...options, session: readingOnly(session) })
      chosen.forEach((row, b) => {
        expect([...row.tokens], `${title}, row ${b}`).toEqual([...read[b].tokens])
        expect(row.finish, title).toBe(read[b].finish)
        expectClose(`${title}, log-probs`, row.logProbs, read[b].logProbs, near)
      })
    }
    session.dispose()
  }, webgpuTimeout)

  test('a stream ends where its reader leaves it, and the session goes on', async () => {
    const session = new CachedSession(model, { batchSize: 1 })
    const options = { maxNewTokens: 20, seed: 8, session }
    const [whole] = await generate(model, [[1, 2]], options)
    const seen: number[] = []
    for await (const { token } of streamTokens(model, [1, 2], options)) if (seen.push(token) === 3) break
    expect(seen).toEqual(Array.from(whole.tokens.subarray(0, 3)))
    expect((await generate(model, [[1, 2]], options))[0].tokens).toEqual(whole.tokens)
    session.dispose()
  }, webgpuTimeout)

  test('an abort between two tokens ends it with the reason', async () => {
    const controller = new AbortController()
    const seen: number[] = []
    const reading = async (): Promise<void> => {
      for await (const { token } of streamTokens(model, [1, 2], { maxNewTokens: 20, seed: 8, signal: controller.signal })) if (seen.push(token) === 4) controller.abort(new Error('enough'))
    }
    await expect(reading()).rejects.toThrow('enough')
    expect(seen.length).toBe(4)
  }, webgpuTimeout)
}

describeOnHosts('choosing', behaves)
describeOnWebgpu('choosing', behaves)

describeOnHosts('a choosing session', open => {
  test('waits for nothing between tokens, and gives them all at once', async () => {
    const device = await open()
    const model = new Gpt({ vocabSize: 29, nPositions: 32, nEmbd: 8, nLayer: 1, nHead: 2, initializerRange: 0.5 }, { seed: 5, device })
    const session = new CachedSession(model, { batchSize: 2 })
    expect(() => session.chooseNext()).toThrow('CachedSession.chooseNext: beginChoosing() must come first')
    session.beginChoosing([Int32Array.of(1, 2), Int32Array.of(3)], 6, { temperature: 0 }, () => 0)
    for (let i = 0; i < 6; i++) session.chooseNext()
    expect(() => session.chooseNext()).toThrow('at most as many tokens as beginChoosing() was told must follow, got one more than 6')
    const { tokens } = await session.chosen(0)
    const rows = await generate(model, [[1, 2], [3]], { maxNewTokens: 7, temperature: 0, seed: 1 })
    for (const b of [0, 1]) expect([...tokens].filter((_, i) => i % 2 === b)).toEqual([...rows[b].tokens])
    expect((await session.chosen(5)).tokens).toEqual(tokens.slice(10))
    session.dispose()
  })
})
