// The GPT-2 of test/golden, loaded as Hugging Face saved it.
import type { Device } from '@abovo/tensor-webgpu'
import { loadModel } from '../../src/checkpoint/model-folder.js'
import { Gpt } from '../../src/models/gpt.js'
import { goldenBytes } from '../golden.js'

export function goldenGpt(device: Device): Gpt {
  const model = loadModel({ 'config.json': goldenBytes('gpt2', 'config.json'), 'model.safetensors': goldenBytes('gpt2', 'model.safetensors') }, { device })
  if (!(model instanceof Gpt)) throw new Error('a GPT-2 was expected')
  return model
}
