// y = x·Wᵀ + b with W as PyTorch stores it: (outputs, inputs).
import type { Tensor } from '@abovo/tensor-webgpu'
import { Module } from '../module.js'
import type { Initializer } from './initializer.js'

/** How a weight starts: PyTorch's default (uniform in ±1/√inputs, the bias too), Glorot's uniform, or normal. The bias of the last two is zero. */
export type LinearStart = 'uniform' | 'glorot' | { std: number }

export interface LinearOptions {
  inputs: number
  outputs: number
  bias?: boolean
  start?: LinearStart
  initializer: Initializer
}

/** (…, inputs) → (…, outputs). */
export class Linear extends Module {
  readonly weight: Tensor
  readonly bias: Tensor | null

  constructor({ inputs, outputs, bias = true, start = 'uniform', initializer }: LinearOptions) {
    super()
    const shape = [outputs, inputs]
    const bound = 1 / Math.sqrt(inputs)
    if (start === 'uniform') this.weight = initializer.uniform(shape, { bound })
    else this.weight = start === 'glorot' ? initializer.uniform(shape, { bound: glorotBound(inputs, outputs) }) : initializer.normal(shape, start)
    this.bias = !bias ? null : start === 'uniform' ? initializer.uniform([outputs], { bound }) : initializer.zeros([outputs])
  }

  forward(x: Tensor): Tensor {
    const y = x.matmul(this.weight.transpose())
    return this.bias === null ? y : y.add(this.bias)
  }
}

/** The variance 2 / (inputs + outputs) as a uniform's bound. Glorot and Bengio 2010; PyTorch's xavier_uniform_. */
export const glorotBound = (inputs: number, outputs: number): number => Math.sqrt(6 / (inputs + outputs))
