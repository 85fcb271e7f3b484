import { requestDevice, tensor, type Device } from '@abovo/tensor-webgpu'
import { beforeAll, describe, expect, test } from 'vitest'
import { attentionMaps } from '../../src/inspect/attention-maps.js'
import { nextTokens, surprisal } from '../../src/inspect/next-tokens.js'
import { parameterSums, parameterTable } from '../../src/inspect/parameter-table.js'
import { Bert } from '../../src/models/bert.js'
import { Gpt } from '../../src/models/gpt.js'

describe('looking into a model', () => {
  let device: Device
  beforeAll(async () => {
    device = await requestDevice('wasm')
  })
  const gpt = (): Gpt => new Gpt({ vocabSize: 9, nPositions: 8, nEmbd: 8, nLayer: 2, nHead: 2, initializerRange: 0.7 }, { seed: 1, device })

  test('every head of GPT looks at earlier tokens only, with weights that sum to one', async () => {
    const maps = await attentionMaps(gpt(), [1, 2, 3, 4])
    expect([maps.layers, maps.heads, maps.tokens]).toEqual([2, 2, 4])
    for (let layer = 0; layer < 2; layer++)
      for (let head = 0; head < 2; head++)
        for (let from = 0; from < 4; from++) {
          const row = maps.map(layer, head).subarray(from * 4, from * 4 + 4)
          expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
          for (let to = from + 1; to < 4; to++) expect(maps.weight(layer, head, from, to)).toBe(0)
        }
  })

  test('BERT looks both ways', async () => {
    const bert = new Bert({ vocabSize: 9, maxPositionEmbeddings: 8, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2 }, { seed: 1, device })
    const maps = await attentionMaps(bert, [1, 2, 3])
    expect(maps.weight(0, 1, 0, 2)).toBeGreaterThan(0)
  })

  test('the next tokens are ordered, and all of them have probability one together', async () => {
    const expected = await nextTokens(gpt(), [1, 2, 3], { k: 9 })
    expect(expected.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5)
    expected.slice(1).forEach(({ probability }, i) => expect(probability).toBeLessThanOrEqual(expected[i].probability))
  })

  test('surprisal is −log₂ of what was expected', async () => {
    const model = gpt()
    const bits = await surprisal(model, [1, 2, 3])
    const [{ probability }] = (await nextTokens(model, [1, 2], { k: 9 })).filter(({ token }) => token === 3)
    expect(bits[1]).toBeCloseTo(-Math.log2(probability), 4)
  })

  test('the parameter table adds up', () => {
    const model = gpt()
    expect(parameterTable(model)[0]).toEqual({ name: 'transformer.wte.weight', shape: [9, 8], size: 72 })
    const sums = parameterSums(model)
    expect([...sums.keys()]).toEqual(['transformer.wte', 'transformer.wpe', 'transformer.h.0', 'transformer.h.1', 'transformer.ln_f'])
    expect([...sums.values()].reduce((a, b) => a + b)).toBe(model.parameterCount())
    expect(tensor([1], { device }).size).toBe(1)
  })
})
