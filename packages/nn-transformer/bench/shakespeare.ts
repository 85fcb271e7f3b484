// One text, equal parameters, equal time: what do n-grams, an RNN, an LSTM, a GRU and a GPT make of tiny shakespeare (characters, 90/10)?
// Run: pnpm exec tsx --conditions=@abovo/source bench/shakespeare.ts TEXT [CPU seconds a model]
import { readFileSync } from 'node:fs'
import { crossEntropy, RandomStream, requestDevice } from '@abovo/tensor-webgpu'
import { Evaluator, Gpt, NGram, RandomWindows, RecurrentLanguageModel, splitTokens, Training, type LanguageModel } from '../src/index.js'

const [, , path, seconds = '60'] = process.argv
const text = readFileSync(path, 'utf8')
const letters = [...new Set(text)].sort()
const ids = new Map(letters.map((letter, id) => [letter, id]))
const { train, validation } = splitTokens(Int32Array.from(text, letter => ids.get(letter) ?? 0), { validation: 0.1 })
const vocabSize = letters.length
const blockSize = 64
const device = await requestDevice('wasm')

for (const order of [1, 2, 3, 5]) {
  const model = new NGram({ order, vocabSize }).count(train)
  console.log(JSON.stringify({ model: `${order}-gram`, parameters: model.sequences, natsPerCharacter: model.natsOf(validation) / (validation.length - 1) }))
}

// widths that give each about 210 thousand parameters
const models: readonly (readonly [string, LanguageModel, number])[] = [
  ['RNN', new RecurrentLanguageModel({ kind: 'rnn', vocabSize, nEmbd: 296 }, { seed: 1, device }), 1e-3],
  ['GRU', new RecurrentLanguageModel({ kind: 'gru', vocabSize, nEmbd: 176 }, { seed: 1, device }), 3e-3],
  ['LSTM', new RecurrentLanguageModel({ kind: 'lstm', vocabSize, nEmbd: 154 }, { seed: 1, device }), 3e-3],
  ['GPT', new Gpt({ vocabSize, nPositions: blockSize, nEmbd: 64, nLayer: 4, nHead: 4 }, { seed: 1, device }), 3e-3],
]
for (const [name, model, peak] of models) {
  // processor time, not the clock's: the comparison holds on a busy machine too
  const spent = (since: NodeJS.CpuUsage): number => process.cpuUsage(since).user / 1e6
  const training = new Training(model, batch => crossEntropy(model.forward(batch.inputs), batch.targets), { lr: peak, weightDecay: 0.1, betas: [0.9, 0.95] })
  const windows = new RandomWindows(train, { batchSize: 16, blockSize, stream: new RandomStream(1) })
  await training.step(windows.next()).loss.item()   // the plan is made outside of the time
  const began = process.cpuUsage()
  let steps = 1
  for (let share = 0; share < 1; share = spent(began) / Number(seconds)) {
    training.setLearningRate(peak * Math.min(1, steps / 50) * (0.1 + 0.9 * Math.cos((share * Math.PI) / 2) ** 2))
    await training.step(windows.next()).loss.item()
    steps++
  }
  const evaluator = new Evaluator(model, { blockSize, batchSize: 32 })
  const { natsPerToken } = await evaluator.evaluate(validation)
  console.log(JSON.stringify({ model: name, parameters: model.parameterCount(), steps, tokens: steps * 16 * blockSize, natsPerCharacter: natsPerToken }))
}
process.exit(0)
