import { requestDevice, crossEntropy, type Device } from '@abovo/tensor-webgpu'
import { grad } from '@abovo/autograd'
import { beforeAll, describe, expect, test } from 'vitest'
import { devices } from '../devices.js'
import { goldenGpt } from './golden-gpt.js'
import { expectClose, goldenState, toleranceOn, toTensor } from '../golden.js'

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
