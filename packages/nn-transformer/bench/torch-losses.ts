// The 20 training steps of L4 C128 H4 T128 B8 V512 on any device: how far are the losses from PyTorch's in float64?
// Run: pnpm exec tsx --conditions=@abovo/source bench/torch-losses.ts [wasm|webgpu] [part of the adapter's name]
import { crossEntropy, requestDevice } from '@abovo/tensor-webgpu'
import { Training } from '../src/index.js'
import fixture from '../test/fixtures/gpt-losses.json' with { type: 'json' }
import { seededBatches, seededGpt } from '../test/fixtures/seeded-gpt.js'

const [, , kind, adapter] = process.argv
const device = kind === 'webgpu' ? await requestDevice('webgpu', adapter === undefined ? {} : { adapter }) : await requestDevice('wasm')
const { small } = fixture
const model = seededGpt(small, device)
const training = new Training(model, batch => crossEntropy(model.forward(batch.inputs), batch.targets), { lr: small.lr, betas: [0.9, 0.95], weightDecay: 0.1, clip: 1 })
const batches = seededBatches(small)
const began = performance.now()
const losses: number[] = []
for (let step = 0; step < small.losses.length; step++) losses.push(await training.step(batches.next().value).loss.item())
const worst = Math.max(...losses.map((loss, i) => Math.abs(loss - small.losses[i])))
console.log(JSON.stringify({ device: device.description, worst, seconds: (performance.now() - began) / 1000 }))
process.exit(worst < 1e-4 ? 0 : 1)
