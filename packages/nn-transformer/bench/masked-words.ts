// BERT fills masked words of a toy grammar, where the grammar leaves one word only: subject, verb and object agree in number, and each animal has its
// own food. Run: pnpm exec tsx --conditions=@abovo/source bench/masked-words.ts [wasm|webgpu]
import { requestDevice, RandomStream } from '@abovo/tensor-webgpu'
import { warmupCosineSchedule } from '@abovo/autograd'
import { Bert, maskedBatch, Training } from '../src/index.js'
import { drawSentence, questionsAbout, vocabulary } from '../test/fixtures/toy-grammar.js'
import { fillMasks } from '../test/fixtures/fill-masks.js'

const STEPS = 800
const device = await requestDevice(process.argv[2] === 'webgpu' ? 'webgpu' : 'wasm')
const began = performance.now()
const stream = new RandomStream(1)
const model = new Bert({ vocabSize: vocabulary.length, maxPositionEmbeddings: 8, hiddenSize: 64, numHiddenLayers: 2, numAttentionHeads: 4, intermediateSize: 128 }, { seed: 1, device })
const training = new Training(model, (batch, noise) => model.loss({ inputs: batch.inputs, labels: batch.labels, attentionMask: batch.attentionMask }, noise), { lr: warmupCosineSchedule({ lr: 2e-3, warmupSteps: 100, steps: STEPS }), betas: [0.9, 0.98] })
const questions = Array.from({ length: 200 }, () => questionsAbout(drawSentence(stream))).flat()
let correct = 0
for (let step = 1; step <= STEPS; step++) {
  const rows = Array.from({ length: 64 }, () => drawSentence(stream))
  const { loss } = training.step(maskedBatch(rows, { length: 8, vocabSize: vocabulary.length, maskToken: 1, padToken: 0, stream, share: 0.2 }))
  if (step % 100 > 0) continue
  const answers = await fillMasks(model, questions)
  correct = answers.filter((answer, i) => answer === questions[i].answer).length / questions.length
  console.log(JSON.stringify({ step, loss: await loss.item(), correct, questions: questions.length, seconds: (performance.now() - began) / 1000 }))
  if (correct === 1) break
}
process.exit(correct >= 0.95 ? 0 : 1)
