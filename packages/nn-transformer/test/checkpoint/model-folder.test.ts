import { requestDevice, type Device } from '@abovo/tensor-webgpu'
import { beforeAll, describe, expect, test } from 'vitest'
import { bertStateFromFile } from '../../src/checkpoint/bert-checkpoint.js'
import { loadGpt, loadModel, saveModel } from '../../src/checkpoint/model-folder.js'
import { readSafetensors, writeSafetensors } from '../../src/checkpoint/safetensors.js'
import { loadTraining } from '../../src/checkpoint/training-folder.js'
import { Gpt } from '../../src/models/gpt.js'
import { RecurrentLanguageModel } from '../../src/models/rnn.js'
import { goldenBytes } from '../golden.js'

describe('a model as files', () => {
  let device: Device
  beforeAll(async () => {
    device = await requestDevice('reference')
  })
  const gpt = { 'config.json': goldenBytes('gpt2', 'config.json'), 'model.safetensors': goldenBytes('gpt2', 'model.safetensors') }
  const rename = (change: (name: string) => string): Record<string, Uint8Array> => ({ ...gpt, 'model.safetensors': writeSafetensors(new Map([...readSafetensors(gpt['model.safetensors'])].map(([name, value]) => [change(name), value]))) })

  test('GPT-2 loads without the prefix, and with mask buffers and a copy of the tied head, as the hub has it', async () => {
    const state = new Map([...readSafetensors(gpt['model.safetensors'])].map(([name, value]) => [name.replace('transformer.', ''), value]))
    const mask = { shape: [1, 1, 2, 2], data: Float32Array.of(1, 0, 1, 1) }
    state.set('h.0.attn.bias', mask).set('h.0.attn.masked_bias', { shape: [], data: Float32Array.of(-1e4) }).set('lm_head.weight', state.get('wte.weight')!)
    const model = loadGpt({ ...gpt, 'model.safetensors': writeSafetensors(state) }, { device })
    expect(await model.stateDict()).toEqual(await loadGpt(gpt, { device }).stateDict())
  })

  test('all that is missing, unexpected or mis-shaped is listed at once, and nothing is changed', async () => {
    const model = loadGpt(gpt, { device })
    const before = await model.stateDict()
    const state = new Map(before)
    state.delete('transformer.ln_f.bias')
    state.set('extra', { shape: [1], data: Float32Array.of(1) }).set('transformer.ln_f.weight', { shape: [3], data: new Float32Array(3) })
    expect(() => model.loadStateDict(state)).toThrow(/missing: transformer.ln_f.bias.*unexpected: extra.*transformer.ln_f.weight \(3\), expected \(32\)/)
    expect(await model.stateDict()).toEqual(before)
    expect(() => loadModel(rename(name => name.replace('ln_f', 'ln_g')), { device })).toThrow(/missing: transformer.ln_f.weight, transformer.ln_f.bias/)
  })

  test('a configuration of more layers than there are tensors is refused before they are made', () => {
    const hostile = new TextDecoder().decode(gpt['config.json']).replace(/"n_layer": \d+/, '"n_layer": 1000000000')
    expect(() => loadModel({ ...gpt, 'config.json': new TextEncoder().encode(hostile) }, { device })).toThrow(/config\.json: n_layer must not exceed the number of tensors in model\.safetensors, got 1000000000 and \d+/)
  })

  test('old names of BERT are understood: gamma, beta, no prefix, position ids', () => {
    const value = { shape: [1], data: Float32Array.of(1) }
    const state = bertStateFromFile(new Map(['embeddings.LayerNorm.gamma', 'embeddings.LayerNorm.beta', 'embeddings.position_ids', 'cls.predictions.decoder.weight', 'cls.predictions.bias'].map(name => [name, value])))
    expect([...state.keys()]).toEqual(['bert.embeddings.LayerNorm.weight', 'bert.embeddings.LayerNorm.bias', 'cls.predictions.bias'])
  })

  test('what is saved is read by name and comes back, with the tokenizer as it was', async () => {
    const tokenizer = new TextEncoder().encode('{"version":"1.0"}')
    const untied = new Gpt({ vocabSize: 7, nPositions: 4, nEmbd: 4, nLayer: 1, nHead: 1, nInner: 6, tieWordEmbeddings: false, residPdrop: 0.1 }, { seed: 1, device })
    const files = await saveModel(untied, { tokenizer })
    expect(Object.keys(files)).toEqual(['config.json', 'model.safetensors', 'tokenizer.json'])
    expect(files['tokenizer.json']).toBe(tokenizer)
    const again = loadGpt(files, { device })
    expect(again.config).toEqual(untied.config)
    expect(await again.stateDict()).toEqual(await untied.stateDict())
    const lstm = new RecurrentLanguageModel({ kind: 'lstm', vocabSize: 7, nEmbd: 4, nLayer: 2 }, { seed: 1, device })
    const loaded = loadModel(await saveModel(lstm), { device })
    expect(await loaded.stateDict()).toEqual(await lstm.stateDict())
  })

  test.each([
    ['no file', {}, /config.json must be there/],
    ['no weights', { 'config.json': gpt['config.json'] }, /model.safetensors must be there, got config.json/],
    ['a configuration that is cut short', { ...gpt, 'config.json': gpt['config.json'].subarray(0, 50) }, /config.json: a string must end/],
    ['a configuration of another model', { ...gpt, 'config.json': new TextEncoder().encode('{"model_type":"llama"}') }, /got "llama"/],
    ['a configuration with a word for a number', { ...gpt, 'config.json': new TextEncoder().encode('{"model_type":"gpt2","vocab_size":"128"}') }, /vocab_size must be a number, got "128"/],
    ['weights that are cut short', { ...gpt, 'model.safetensors': gpt['model.safetensors'].subarray(0, 60_000) }, /model.safetensors.*cut short/],
  ] as const)('%s is one clear error', (_, files, message) => {
    expect(() => loadModel(files, { device })).toThrow(message)
  })

  test('the state of a run from a later version is refused', () => {
    expect(() => loadTraining({ 'training.json': new TextEncoder().encode('{"version":2}') })).toThrow(/version must be 1, got 2/)
  })
})
