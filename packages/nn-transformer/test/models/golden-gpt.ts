// The GPT-2 of test/golden, loaded as Hugging Face saved it.
import type { Device } from '@abovo/tensor-webgpu'
import { loadGpt } from '../../src/checkpoint/model-folder.js'
import type { Gpt } from '../../src/models/gpt.js'
import { goldenBytes } from '../golden.js'

export function goldenGpt(device: Device): Gpt {
  return loadGpt({ 'config.json': goldenBytes('gpt2', 'config.json'), 'model.safetensors': goldenBytes('gpt2', 'model.safetensors') }, { device })
}
