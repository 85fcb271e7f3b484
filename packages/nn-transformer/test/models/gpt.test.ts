import { requestDevice, crossEntropy, type Device } from '@abovo/tensor-webgpu'
import { grad } from '@abovo/autograd'
import { beforeAll, describe, expect, test } from 'vitest'
import { gptConfigFromJson, gptStateFromFile } from '../../src/checkpoint/gpt-checkpoint.js'
import { isJsonObject, parseJson } from '../../src/checkpoint/safe-json.js'
import { Gpt } from '../../src/models/gpt.js'
import { devices } from '../devices.js'
import { expectClose, goldenBytes, goldenState, toleranceOn, toTensor } from '../golden.js'

export function goldenGpt(device: Device): Gpt {
  const json = parseJson('config.json', new TextDecoder().decode(goldenBytes('gpt2', 'config.json')))
  if (!isJsonObject(json)) throw new Error('config.json must be an object')
  const model = new Gpt(gptConfigFromJson(json), { seed: null, device })
  return model.loadStateDict(gptStateFromFile(goldenState('gpt2', 'model.safetensors'), model.config))
}

describe.each(devices)('GPT-2 of Hugging Face on %s', kind => {
  let device: Device
  beforeAll(async () => {
    device = await requestDevice(kind)
  })

  test('has the logits, loss and gradients of transformers', async () => {
    const reference = goldenState('gpt2', 'reference.safetensors')
    const model = goldenGpt(device)
    const ids = toTensor(reference.get('input_ids')!, device)
    const logits = model.forward(ids, { attentionMask: toTensor(reference.get('attention_mask')!, device) })
    expectClose('logits', await logits.data(), reference.get('logits')!.data, toleranceOn(device))
    const labels = toTensor(reference.get('labels')!, device)
    const T = ids.shape[1]
    const loss = crossEntropy(logits.narrow(1, 0, T - 1), labels.narrow(1, 1, T - 1))
    expectClose('loss', [await loss.item()], reference.get('loss')!.data, toleranceOn(device))
    const named = model.namedParameters()
    const gradients = grad(loss, named.map(([, parameter]) => parameter))
    expect([...reference.keys()].filter(name => name.startsWith('grad.')).sort()).toEqual(named.map(([name]) => `grad.${name}`).sort())
    for (const [i, [name]] of named.entries()) expectClose(`grad.${name}`, await gradients[i].data(), reference.get(`grad.${name}`)!.data, toleranceOn(device))
  })
})
