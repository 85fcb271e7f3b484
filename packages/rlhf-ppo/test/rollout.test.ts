import { Gpt } from '@abovo/nn-transformer'
import { requestDevice } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { responseLogProbs, Sampler } from '../src/index.ts'

const device = await requestDevice('reference')
const policy = new Gpt({ vocabSize: 40, nPositions: 32, nEmbd: 8, nLayer: 1, nHead: 2, initializerRange: 0.5 }, { seed: 4, device })
const prompt = (length: number) => Array.from({ length }, (_, t) => 1 + ((7 * t) % 39))

test.each([[[9, 3], 23], [[17], 15], [[1, 2, 31], 1], [[4, 5, 6], 8]])('prompts of %j tokens and responses of %i are sampled from the policy itself', async (lengths, responseLength) => {
  const sampler = new Sampler(policy, { endToken: 0, responseLength })
  const { samples, sampledLogProbs } = await sampler.sample(lengths.map(prompt), 3)
  const full = await responseLogProbs(policy, samples.map(({ promptIds, responseIds }) => ({ prompt: promptIds, completion: responseIds })))
  full.forEach((row, b) => row.forEach((logProb, t) => expect(sampledLogProbs[b][t]).toBeCloseTo(logProb, 5)))
  expect(samples.some(({ ended, responseIds }) => ended || responseIds.length === responseLength)).toBe(true)
})

test('equal seeds give equal responses, other seeds others', async () => {
  const sampler = new Sampler(policy, { endToken: 0, responseLength: 8 })
  const ids = async (seed: number) => (await sampler.sample([prompt(3), prompt(5)], seed)).samples.map(({ responseIds }) => responseIds)
  expect(await ids(1)).toEqual(await ids(1))
  expect(await ids(1)).not.toEqual(await ids(2))
})

test('samples carry the tokenizer’s text without the end token', async () => {
  const tokenizer = { encode: () => [], decode: (ids: ArrayLike<number>) => Array.from(ids, id => `<${id}>`).join('') }
  const [sample] = (await new Sampler(policy, { endToken: 0, responseLength: 8, tokenizer }).sample([[5, 6]], 1)).samples
  expect(sample.prompt).toBe('<5><6>')
  expect(sample.response).toBe(tokenizer.decode(sample.responseIds.filter(id => id !== 0)))
})
