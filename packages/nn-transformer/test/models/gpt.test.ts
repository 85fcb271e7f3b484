import { crossEntropy, type Device } from '@abovo/tensor-webgpu'
import { grad } from '@abovo/autograd'
import { beforeAll, expect, test } from 'vitest'
import { describeOnHosts, describeOnWebgpu, webgpuTimeout } from '../describe-on-devices.js'
import { goldenGpt } from './golden-gpt.js'
import { expectClose, goldenState, readAll, toleranceOn, toTensor } from '../golden.js'

function suite(open: () => Promise<Device>): void {
  let device: Device
  beforeAll(async () => {
    device = await open()
  })

  test('has the logits, loss and gradients of transformers', async () => {
    const reference = goldenState('gpt2', 'reference.safetensors')
    const model = goldenGpt(device)
    const ids = toTensor(reference.get('input_ids')!, device)
    const logits = model.forward(ids, { attentionMask: toTensor(reference.get('attention_mask')!, device) })
    const labels = toTensor(reference.get('labels')!, device)
    const T = ids.shape[1]
    const loss = crossEntropy(logits.narrow(1, 0, T - 1), labels.narrow(1, 1, T - 1))
    const named = Object.fromEntries(model.namedParameters())
    expect([...reference.keys()].filter(name => name.startsWith('grad.')).sort()).toEqual(Object.keys(named).map(name => `grad.${name}`).sort())
    const gradients = Object.entries(grad(loss, named)).map(([name, gradient]) => [`grad.${name}`, gradient])
    for (const [name, got] of await readAll({ logits, loss, ...Object.fromEntries(gradients) })) expectClose(name, got, reference.get(name)!.data, toleranceOn(device))
  }, webgpuTimeout)
}

describeOnHosts('GPT-2 of Hugging Face', suite)
describeOnWebgpu('GPT-2 of Hugging Face', suite)
