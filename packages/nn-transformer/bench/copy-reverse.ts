// The encoder-decoder learns to copy a string or to write it backwards, as its first token says. Run: pnpm exec tsx --conditions=@abovo/source bench/copy-reverse.ts
import { requestDevice, RandomStream, type DeviceKind } from '@abovo/tensor-webgpu'
import { noamSchedule } from '@abovo/autograd'
import { paddedRows, Training, Transformer, Translator } from '../src/index.js'

const [PAD, START, END, COPY, REVERSE, FIRST] = [0, 1, 2, 3, 4, 5]
const LETTERS = 12
const device = await requestDevice((process.argv[2] ?? 'wasm') as DeviceKind)
const began = performance.now()
const stream = new RandomStream(1)
const draw = (): { source: number[]; target: number[] } => {
  const word = Array.from({ length: 3 + stream.integer(6) }, () => FIRST + stream.integer(LETTERS))
  const backwards = stream.uniform() < 0.5
  return { source: [backwards ? REVERSE : COPY, ...word], target: [START, ...(backwards ? word.toReversed() : word), END] }
}
const heldOut = Array.from({ length: 200 }, draw)
const taken = new Set(heldOut.map(({ source }) => source.join()))
const fresh = (): { source: number[]; target: number[] } => {
  for (;;) {
    const pair = draw()
    if (!taken.has(pair.source.join())) return pair
  }
}
const width = Number(process.argv[3] ?? 64)
const model = new Transformer({ vocabSize: FIRST + LETTERS, nPositions: 10, nEmbd: width, nLayer: Number(process.argv[4] ?? 2), nHead: 4, nInner: 2 * width, padToken: PAD, normFirst: process.argv[5] === 'pre', labelSmoothing: 0.1 }, { seed: 1, device })
const training = new Training(model, (batch, noise) => model.loss({ source: batch.source, target: batch.target }, noise), { lr: noamSchedule({ modelSize: width, warmupSteps: 200, factor: Number(process.argv[6] ?? 1) }), betas: [0.9, 0.98], eps: 1e-9, weightDecay: 0 })
const translator = new Translator(model, { startToken: START, endToken: END })
for (let step = 1; step <= 4000; step++) {
  const pairs = Array.from({ length: 64 }, fresh)
  const { loss } = training.step({ source: paddedRows(pairs.map(pair => pair.source), { length: 9, fill: PAD }), target: paddedRows(pairs.map(pair => pair.target), { length: 10, fill: PAD }) })
  if (step % 100 > 0) continue
  const written = await translator.greedy(heldOut.map(pair => pair.source))
  const exact = written.filter((row, i) => row.join() === heldOut[i].target.join()).length / heldOut.length
  console.log(JSON.stringify({ step, loss: await loss.item(), exact, seconds: (performance.now() - began) / 1000 }))
  if (exact >= 0.995) break
}
process.exit(0)
