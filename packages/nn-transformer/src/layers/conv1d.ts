// y = x·W + b with W as GPT-2 stores it: (inputs, outputs), the transpose of PyTorch's Linear. The name is OpenAI's; nothing is convolved.
import type { Tensor } from '@abovo/tensor-webgpu'
import { Module } from '../module.js'
import type { Initializer } from './initializer.js'

/** (…, inputs) → (…, outputs). */
export class Conv1D extends Module {
  readonly weight: Tensor
  readonly bias: Tensor

  constructor({ inputs, outputs, std, initializer }: { inputs: number; outputs: number; std: number; initializer: Initializer }) {
    super()
    this.weight = initializer.normal([inputs, outputs], { std })
    this.bias = initializer.zeros([outputs])
  }

  forward(x: Tensor): Tensor {
    return x.matmul(this.weight).add(this.bias)
  }
}
