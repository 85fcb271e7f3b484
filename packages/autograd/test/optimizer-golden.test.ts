// Twenty steps of each optimizer against PyTorch's, from files PyTorch made.
import { beforeAll, describe, expect, test } from 'vitest'
import { compile, requestDevice, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { adagrad } from '../src/optim/adagrad.ts'
import { adam, adamW } from '../src/optim/adam.ts'
import { clipGradNorm } from '../src/optim/clip.ts'
import type { Optimizer } from '../src/optim/optimizer.ts'
import { rmsprop } from '../src/optim/rmsprop.ts'
import { sgd } from '../src/optim/sgd.ts'
import { grad } from '../src/grad.ts'
import { hasLayers, layersFile, maxDifference, readLayers, type Golden } from './golden.ts'

type Parameters = { W: Tensor }
interface Settings {
  lr: number
  betas: [number, number]
  eps: number
  weight_decay: number
  amsgrad: boolean
  momentum: number
  nesterov: boolean
  alpha: number
}
const optimizers: Record<string, (parameters: Parameters, settings: Settings) => Optimizer<Parameters>> = {
  adam: (parameters, { lr, betas, eps }) => adam(parameters, { lr, betas, eps }),
  adamw: (parameters, { lr, betas, eps, weight_decay }) => adamW(parameters, { lr, betas, eps, weightDecay: weight_decay }),
  adamw_amsgrad: (parameters, { lr, betas, eps, weight_decay }) => adamW(parameters, { lr, betas, eps, weightDecay: weight_decay, amsgrad: true }),
  sgd_momentum_nesterov: (parameters, { lr, momentum, weight_decay, nesterov }) => sgd(parameters, { lr, momentum, weightDecay: weight_decay, nesterov }),
  rmsprop: (parameters, { lr, alpha, eps }) => rmsprop(parameters, { lr, alpha, eps }),
  adagrad: (parameters, { lr, eps }) => adagrad(parameters, { lr, eps }),
}

describe.skipIf(!hasLayers)(`optimizers against PyTorch (${layersFile})`, () => {
  let device: Device
  let golden: Golden
  beforeAll(async () => {
    device = await requestDevice('reference')
    golden = readLayers()
  })

  describe.each(Object.keys(optimizers))('%s', name => {
    test.each(['eager', 'compiled'])('gives the same losses and weights after 20 steps, %s', async mode => {
      const [A, b, W] = ['A', 'b', 'W0'].map(part => golden.tensor(`${name}/${part}`, device))
      const { optimizer: settings, losses } = golden.cases[name] as { optimizer: Settings; losses: number[] }
      const optimizer = optimizers[name]({ W }, settings)
      const plain = (): Tensor => {
        const loss = A.matmul(W).sub(b).square().mean()
        const { gradients } = clipGradNorm(grad(loss, { W }), 1)
        optimizer.step(gradients)
        return loss
      }
      const step = mode === 'compiled' ? compile(plain) : plain
      const seen: number[] = []
      for (let i = 0; i < losses.length; i++) seen.push(await step().item())
      expect(maxDifference(seen, losses)).toBeLessThan(5e-6)
      expect(maxDifference(await W.data(), golden.values(`${name}/W20`))).toBeLessThan(1e-6)
      expect(await optimizer.steps.item()).toBe(20)
    })
  })
})
