import { crossEntropy, RandomStream, requestDevice, type Device } from '@abovo/tensor-webgpu'
import { grad, warmupCosineSchedule } from '@abovo/autograd'
import { beforeAll, expect, test } from 'vitest'
import { loadModel, saveModel } from '../../src/checkpoint/model-folder.js'
import { Bert } from '../../src/models/bert.js'
import { maskedBatch } from '../../src/data/masked-batch.js'
import { Training } from '../../src/train/training.js'
import { allCases, describeOnHosts, describeOnWebgpu, webgpuTimeout } from '../describe-on-devices.js'
import { fillMasks } from '../fixtures/fill-masks.js'
import { drawSentence, questionsAbout, vocabulary } from '../fixtures/toy-grammar.js'
import { expectClose, goldenBytes, goldenState, readAll, toleranceOn, toTensor } from '../golden.js'

function suite(open: () => Promise<Device>): void {
  let device: Device
  beforeAll(async () => {
    device = await open()
  })

  test('has the hidden states, logits, loss and gradients of transformers', async () => {
    const model = loadModel({ 'config.json': goldenBytes('bert', 'config.json'), 'model.safetensors': goldenBytes('bert', 'model.safetensors') }, { device })
    if (!(model instanceof Bert)) throw new Error('a BERT was expected')
    const reference = goldenState('bert', 'reference.safetensors')
    const input = (name: string) => toTensor(reference.get(name)!, device)
    const hidden = model.bert.forward(input('input_ids'), { attentionMask: input('attention_mask'), tokenTypes: input('token_type_ids') })
    const logits = model.head(hidden)
    const loss = crossEntropy(logits, input('labels'))
    const named = Object.fromEntries(model.namedParameters())
    expect([...reference.keys()].filter(name => name.startsWith('grad.')).sort()).toEqual(Object.keys(named).map(name => `grad.${name}`).sort())
    const gradients = Object.entries(grad(loss, named)).map(([name, gradient]) => [`grad.${name}`, gradient])
    for (const [name, got] of await readAll({ last_hidden_state: hidden, logits, loss, ...Object.fromEntries(gradients) })) expectClose(name, got, reference.get(name)!.data, toleranceOn(device))
    const again = loadModel(await saveModel(model), { device })
    expect((await again.stateDict()).get('cls.predictions.bias')).toEqual((await model.stateDict()).get('cls.predictions.bias'))
  }, webgpuTimeout)
}

describeOnHosts('BERT of Hugging Face', suite)
if (allCases) describeOnWebgpu('BERT of Hugging Face', suite)

test('BERT fills 95 % of the masked words that a toy grammar determines', async () => {
  const device = await requestDevice('wasm')
  const stream = new RandomStream(1)
  const steps = 500
  const model = new Bert({ vocabSize: vocabulary.length, maxPositionEmbeddings: 8, hiddenSize: 32, numHiddenLayers: 2, numAttentionHeads: 4, intermediateSize: 64 }, { seed: 1, device })
  const training = new Training(model, (batch, noise) => model.loss({ inputs: batch.inputs, labels: batch.labels, attentionMask: batch.attentionMask }, noise), { lr: warmupCosineSchedule({ lr: 4e-3, warmupSteps: 50, steps }), betas: [0.9, 0.98] })
  const questions = Array.from({ length: 60 }, () => questionsAbout(drawSentence(stream))).flat()
  let correct = 0
  for (let step = 1; step <= steps && correct < 1; step++) {
    const rows = Array.from({ length: 64 }, () => drawSentence(stream))
    const { loss } = training.step(maskedBatch(rows, { length: 8, vocabSize: vocabulary.length, maskToken: 1, padToken: 0, stream, share: 0.2 }))
    if (step % 50 === 0) await loss.item()
    if (step >= 300 && step % 100 === 0) correct = (await fillMasks(model, questions)).filter((answer, i) => answer === questions[i].answer).length / questions.length
  }
  expect(correct).toBeGreaterThanOrEqual(0.95)
}, 60_000)
