// Generating one token after another with a cache of keys and values, batch 1, by nn-transformer's own generate: tokens a second, as one JSON line.
//   pnpm --silent bench decode --device wasm [--tokens 256]
import { CachedSession, generate, Gpt } from '@abovo/nn-transformer'
import { openBenchDevice, readArguments } from './instruments/bench-device.js'
import { observePlans } from './instruments/observed-plan.js'
import { planBytes } from './instruments/plan-bytes.js'
import { finish, round, timeOf } from './instruments/timing.js'

const values = readArguments({
  layers: { type: 'string', default: '6' },
  width: { type: 'string', default: '384' },
  heads: { type: 'string', default: '6' },
  length: { type: 'string', default: '256' },
  vocabulary: { type: 'string', default: '512' },
  tokens: { type: 'string', default: '192' },
})
const [nLayer, nEmbd, nHead, nPositions, vocabSize, tokens] = [values.layers, values.width, values.heads, values.length, values.vocabulary, values.tokens].map(Number)
const { device, counts } = await openBenchDevice(values)
const plans = observePlans(device)
const model = new Gpt({ vocabSize, nPositions, nEmbd, nLayer, nHead }, { seed: 1, device })
const prompt = Int32Array.from({ length: 16 }, (_, i) => (i * 37) % vocabSize)

const session = new CachedSession(model, { batchSize: 1 })
const sampled = await timeOf(() => generate(model, [prompt], { maxNewTokens: tokens, temperature: 0.8, topK: 40, seed: 1, session }), { least: 3, budgetMs: 20_000 })

// one token alone: what the device takes, the choice included. Waiting for a device that computes on its own counts in full.
session.beginChoosing([prompt], tokens, { temperature: 0.8, topK: 40 }, () => 0.5)
const [{ dispatches }, steps]: [{ dispatches: number }, number[]] = [counts(), []]
for (let i = 0; i < Math.min(tokens, nPositions - 16); i++) {
  const start = performance.now()
  session.chooseNext()
  if (device.kind === 'webgpu') await session.chosen(i)
  steps.push(performance.now() - start)
}
const perToken = (counts().dispatches - dispatches) / steps.length
steps.sort((a, b) => a - b)
const bytesMoved = planBytes(plans[plans.length - 1])
finish({
  bench: 'decode', device: device.kind, adapter: device.description, L: nLayer, C: nEmbd, H: nHead, T: nPositions, V: vocabSize,
  tokens_per_s: Math.round((1000 * tokens) / sampled.best),
  tokens_per_s_median: Math.round((1000 * tokens) / sampled.median),
  step_ms: round(steps[0], 3),
  step_ms_median: round(steps[steps.length >> 1], 3),
  dispatches: perToken,
  bytes_moved: bytesMoved,
})
