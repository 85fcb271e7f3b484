import { RandomStream, requestDevice, tensor, type Device } from '@abovo/tensor-webgpu'
import { warmupCosineSchedule } from '@abovo/autograd'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadModel, saveModel } from '../../src/checkpoint/model-folder.js'
import { Translator } from '../../src/generate/translate.js'
import { TranslationSession } from '../../src/generate/translation-session.js'
import { Transformer } from '../../src/models/transformer.js'
import { Training } from '../../src/train/training.js'
import { copyReverseTask, END, PAD, START } from '../fixtures/copy-reverse.js'

describe('Transformer', () => {
  let device: Device
  beforeAll(async () => {
    device = await requestDevice('wasm')
  })
  const options = { vocabSize: 14, nPositions: 8, nEmbd: 16, nLayer: 1, nHead: 2, padToken: PAD }
  const ids = (rows: number[][]) => tensor(Int32Array.from(rows.flat()), { shape: [rows.length, rows[0].length], device })

  test('padding of the source changes nothing', async () => {
    const model = new Transformer(options, { seed: 2, device })
    const target = ids([[1, 7, 8]])
    const bare = await model.forward(ids([[5, 6, 7]]), target).data()
    const padded = await model.forward(ids([[5, 6, 7, 0, 0]]), target).data()
    bare.forEach((value, i) => expect(padded[i]).toBeCloseTo(value, 5))
  })

  test('a target token does not see those after it', async () => {
    const model = new Transformer({ ...options, normFirst: true }, { seed: 2, device })
    const source = ids([[5, 6, 7]])
    const a = await model.forward(source, ids([[1, 7, 8]])).data()
    const b = await model.forward(source, ids([[1, 7, 9]])).data()
    expect(b.slice(0, 2 * 14)).toEqual(a.slice(0, 2 * 14))
  })

  test('beam search of one beam is greedy, and more beams are never less likely', async () => {
    const model = new Transformer({ ...options, tieWordEmbeddings: false }, { seed: 4, device })
    const translator = new Translator(model, { startToken: START, endToken: END })
    const [greedy] = await translator.greedy([[5, 6, 7]])
    const [one] = await translator.beam([5, 6, 7], { beams: 1, lengthPenalty: 0 })
    expect(one.tokens).toEqual(greedy)
    const [best] = await translator.beam([5, 6, 7], { beams: 4, lengthPenalty: 0 })
    expect(best.logProb).toBeGreaterThanOrEqual(one.logProb - 1e-6)
    // calls that overlap do not disturb one another
    const [a, b] = await Promise.all([translator.greedy([[5, 6, 7]]), translator.greedy([[9, 8, 7]])])
    expect(a).toEqual([greedy])
    expect(b).toEqual(await translator.greedy([[9, 8, 7]]))
    translator.dispose()
  })

  test.each([true, false])('decoding token by token, with a cache, has the logits of the whole target at once (norm first: %s)', async normFirst => {
    const model = new Transformer({ ...options, nLayer: 2, normFirst }, { seed: 4, device })
    const sources = [[5, 6, 7, 0, 0], [9, 8, 7, 6, 5]]
    const targets = [[1, 7, 8, 3, 4], [1, 9, 2, 5, 11]]
    const whole = await model.forward(ids(sources), ids(targets)).data()   // (2, 5, 14)
    const session = new TranslationSession(model, { batchSize: 2, sourceLength: 5, length: 6, device })
    for (const swapped of [false, true]) {
      session.begin(ids(sources))
      for (let t = 0; t < 5; t++) {
        const logits = await session.next(Int32Array.from(targets, row => row[t]), swapped ? Int32Array.of(0, 1) : undefined)
        for (const b of [0, 1]) for (let v = 0; v < 14; v++) expect(logits[b * 14 + v]).toBeCloseTo(whole[(b * 5 + t) * 14 + v], 4)
      }
    }
    session.dispose()
  })

  test('a row goes on from the row that it is told to', async () => {
    const model = new Transformer(options, { seed: 4, device })
    const session = new TranslationSession(model, { batchSize: 2, sourceLength: 3, length: 6, device })
    session.begin(ids([[5, 6, 7], [5, 6, 7]]))
    await session.next(Int32Array.of(1, 1))
    await session.next(Int32Array.of(8, 3))
    const logits = await session.next(Int32Array.of(4, 4), Int32Array.of(1, 0))
    const whole = await model.forward(ids([[5, 6, 7], [5, 6, 7]]), ids([[1, 3, 4], [1, 8, 4]])).data()   // (2, 3, 14)
    for (const b of [0, 1]) for (let v = 0; v < 14; v++) expect(logits[b * 14 + v]).toBeCloseTo(whole[(b * 3 + 2) * 14 + v], 4)
    session.dispose()
  })

  test('comes back from its files', async () => {
    const model = new Transformer({ ...options, tieWordEmbeddings: false, labelSmoothing: 0.1 }, { seed: 2, device })
    const again = loadModel(await saveModel(model), { device })
    expect(again).toBeInstanceOf(Transformer)
    expect(again.config).toEqual(model.config)
    expect(await again.stateDict()).toEqual(await model.stateDict())
  })

  test('refuses a configuration that does not fit, all at once', () => {
    expect(() => new Transformer({ ...options, nLayer: 0, vocabSize: 1.5 }, { seed: 1, device })).toThrow(/vocabSize.*nLayer/)
    expect(() => new Transformer({ ...options, targetVocabSize: 9 }, { seed: 1, device })).toThrow(/tieWordEmbeddings: false/)
  })

  test('learns to copy or to write backwards, 99 % of held-out strings without a mistake', async () => {
    const task = copyReverseTask({ letters: 8, shortest: 3, longest: 5, heldOut: 200, stream: new RandomStream(1) })
    const model = new Transformer({ vocabSize: task.vocabSize, nPositions: task.length, nEmbd: 32, nLayer: 2, nHead: 4, nInner: 64, padToken: PAD, normFirst: true }, { seed: 1, device })
    const steps = 700
    const training = new Training(model, (batch, noise) => model.loss({ source: batch.source, target: batch.target }, noise), { lr: warmupCosineSchedule({ lr: 5e-3, warmupSteps: 50, steps }), betas: [0.9, 0.98], weightDecay: 0 })
    const translator = new Translator(model, { startToken: START, endToken: END })
    let exact = 0
    for (let step = 1; step <= steps && exact < 1; step++) {
      const { loss } = training.step(task.batch(64))
      if (step % 50 === 0) await loss.item()   // lets the queue run dry
      if (step >= 300 && step % 100 === 0) exact = await task.exact(translator)
    }
    expect(exact).toBeGreaterThanOrEqual(0.99)
  }, 60_000)
})
