import { compile, crossEntropy, requestDevice, tensor, type Device } from '@abovo/tensor-webgpu'
import { grad } from '@abovo/autograd'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Gpt } from '../../src/models/gpt.ts'
import { Training } from '../../src/train/training.ts'

let device: Device
beforeAll(async () => {
  device = await requestDevice('wasm', { threads: 1 })
})
afterAll(() => device.close())

const [B, T, V] = [16, 64, 17_000]
const ids = (): Int32Array => Int32Array.from({ length: B * T }, (_, i) => (i * 7919) % V)
const shifted = (): Int32Array => Int32Array.from({ length: B * T }, (_, i) => (i % 9 === 4 ? -100 : ((i + 1) * 7919) % V))

test.each([true, false])('a loss over many logits is that of the logits, tied head: %s', async tieWordEmbeddings => {
  const model = new Gpt({ vocabSize: V, nPositions: T, nEmbd: 8, nLayer: 1, nHead: 2, tieWordEmbeddings }, { seed: 1, device })
  const [inputs, targets] = [tensor(ids(), { shape: [B, T], device }), tensor(shifted(), { shape: [B, T], device })]
  const named = Object.fromEntries(model.namedParameters())
  const plain = crossEntropy(model.forward(inputs), targets)
  const loss = model.loss(inputs, targets)
  const [wanted, got] = [grad(plain, named), grad(loss, named)]
  expect(Math.abs((await loss.item()) - (await plain.item()))).toBeLessThan(1e-5)
  expect(Math.abs((await model.loss(inputs, targets, { evaluating: true }).item()) - (await plain.item()))).toBeLessThan(1e-5)
  for (const name of Object.keys(named)) {
    const [x, y] = [await wanted[name].data(), await got[name].data()]
    expect(Math.max(...Array.from({ length: 2000 }, (_, i) => Math.abs((x[i] ?? 0) - (y[i] ?? 0)))), name).toBeLessThan(1e-6)
  }
}, 60_000)

test('training on a large vocabulary holds two chunks of logits, never all of them', async () => {
  const own = await requestDevice('wasm', { threads: 1 })
  const model = new Gpt({ vocabSize: V, nPositions: T, nEmbd: 8, nLayer: 1, nHead: 2 }, { seed: 1, device: own })
  const training = new Training(model, (batch, noise) => model.loss(batch.inputs, batch.targets, { noise }), { lr: 0.001 })
  const parameters = V * 8 * 4
  const [first, second] = [ids(), shifted()].map(data => ({ shape: [B, T], data }))
  await training.step({ inputs: first, targets: second }).loss.item()
  expect(own.counts.peakBytes).toBeLessThan(2 * 512 * V * 4 + 12 * parameters + 30 * B * T * 8 * 4)
  expect(own.counts.peakBytes).toBeLessThan(1.5 * B * T * V * 4)
  own.close()
}, 60_000)

test('evaluation in chunks is one plan whose chunks follow one another', async () => {
  const model = new Gpt({ vocabSize: V, nPositions: T, nEmbd: 8, nLayer: 1, nHead: 2 }, { seed: 1, device })
  const [inputs, targets] = [tensor(ids(), { shape: [B, T], device }), tensor(shifted(), { shape: [B, T], device })]
  const evaluate = compile(() => model.loss(inputs, targets, { evaluating: true, reduction: 'sum' }), { device })
  expect(await evaluate().item()).toBeGreaterThan(0)
  const rows = evaluate.explain().split('\n').filter(line => line.includes(`over (${V})`) || line.includes(`, ${V})`))
  expect(rows.map(line => (line.includes('matmul') ? 'product' : 'rows')).join(' ')).toMatch(/^product( rows)+ product( rows)+$/)
}, 60_000)
