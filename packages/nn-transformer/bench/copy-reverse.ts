// The encoder-decoder learns to copy a string or to write it backwards; exact on how many strings it never saw?
// Run: pnpm exec tsx --conditions=@abovo/source bench/copy-reverse.ts [wasm|webgpu] [pre|post]
import { requestDevice, RandomStream } from '@abovo/tensor-webgpu'
import { warmupCosineSchedule } from '@abovo/autograd'
import { Training, Transformer, Translator } from '../src/index.js'
import { copyReverseTask, END, PAD, START } from '../test/fixtures/copy-reverse.js'

const STEPS = 900
const device = await requestDevice(process.argv[2] === 'webgpu' ? 'webgpu' : 'wasm')
const began = performance.now()
const task = copyReverseTask({ letters: 12, shortest: 3, longest: 8, heldOut: 400, stream: new RandomStream(1) })
const model = new Transformer({ vocabSize: task.vocabSize, nPositions: task.length, nEmbd: 64, nLayer: 2, nHead: 4, nInner: 128, padToken: PAD, normFirst: process.argv[3] !== 'post', labelSmoothing: 0.1 }, { seed: 1, device })
const training = new Training(model, (batch, noise) => model.loss({ source: batch.source, target: batch.target }, noise), { lr: warmupCosineSchedule({ lr: 3e-3, warmupSteps: 100, steps: STEPS }), betas: [0.9, 0.98], weightDecay: 0 })
const translator = new Translator(model, { startToken: START, endToken: END })
let exact = 0
for (let step = 1; step <= STEPS; step++) {
  const { loss } = training.step(task.batch(64))
  if (step % 100 > 0) continue
  exact = await task.exact(translator)
  console.log(JSON.stringify({ step, loss: await loss.item(), exact, seconds: (performance.now() - began) / 1000 }))
  if (exact === 1) break
}
process.exit(exact >= 0.99 ? 0 : 1)
