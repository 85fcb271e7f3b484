import { crossEntropy, requestDevice, type Device } from '@abovo/tensor-webgpu'
import { grad } from '@abovo/autograd'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadModel, saveModel } from '../../src/checkpoint/model-folder.js'
import { Bert } from '../../src/models/bert.js'
import { devices } from '../devices.js'
import { expectClose, goldenBytes, goldenState, toleranceOn, toTensor } from '../golden.js'

describe.each(devices)('BERT of Hugging Face on %s', kind => {
  let device: Device
  beforeAll(async () => {
    device = await requestDevice(kind)
  })

  test('has the hidden states, logits, loss and gradients of transformers', async () => {
    const model = loadModel({ 'config.json': goldenBytes('bert', 'config.json'), 'model.safetensors': goldenBytes('bert', 'model.safetensors') }, { device })
    if (!(model instanceof Bert)) throw new Error('a BERT was expected')
    const reference = goldenState('bert', 'reference.safetensors')
    const input = (name: string) => toTensor(reference.get(name)!, device)
    const hidden = model.bert.forward(input('input_ids'), { attentionMask: input('attention_mask'), tokenTypes: input('token_type_ids') })
    expectClose('hidden', await hidden.data(), reference.get('last_hidden_state')!.data, toleranceOn(device))
    const logits = model.head(hidden)
    expectClose('logits', await logits.data(), reference.get('logits')!.data, toleranceOn(device))
    const loss = crossEntropy(logits, input('labels'))
    expectClose('loss', [await loss.item()], reference.get('loss')!.data, toleranceOn(device))
    const named = Object.fromEntries(model.namedParameters())
    expect([...reference.keys()].filter(name => name.startsWith('grad.')).sort()).toEqual(Object.keys(named).map(name => `grad.${name}`).sort())
    for (const [name, gradient] of Object.entries(grad(loss, named))) expectClose(`grad.${name}`, await gradient.data(), reference.get(`grad.${name}`)!.data, toleranceOn(device))
    const again = loadModel(await saveModel(model), { device })
    expect((await again.stateDict()).get('cls.predictions.bias')).toEqual((await model.stateDict()).get('cls.predictions.bias'))
  })
})
