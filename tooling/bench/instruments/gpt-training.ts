// The training step that is measured and counted everywhere: loss, gradients, clipping and AdamW of a GPT as one compiled function.
import { adamW, castParameters, clipGradNorm, grad, LossScale, type Optimizer } from '@abovo/autograd'
import { functionalCall, Gpt, type Precision } from '@abovo/nn-transformer'
import { compile, crossEntropy, tensor, type Compiled, type Device, type Tensor } from '@abovo/tensor-webgpu'
import type { GptSizes } from './gpt-minimum.js'

export interface GptTraining {
  readonly parameters: Readonly<Record<string, Tensor>>
  readonly optimizer: Optimizer<Record<string, Tensor>>
  /** ids and targets, each (B, T), to the loss. */
  readonly step: Compiled<[Tensor, Tensor], Tensor>
  /** The same without a plan: operation by operation as its values are asked for. */
  readonly uncompiled: (inputs: Tensor, targets: Tensor) => Tensor
  readonly inputs: Tensor
  readonly targets: Tensor
}

/** Random tokens and a rule to learn: the target is 7·id + 3. */
export function batchOf({ B, T, V }: GptSizes, seed: number, device: Device): { inputs: Tensor; targets: Tensor } {
  const ids = Int32Array.from({ length: B * T }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 8) % V)
  return { inputs: tensor(ids, { shape: [B, T], device }), targets: tensor(ids.map(id => (id * 7 + 3) % V), { shape: [B, T], device }) }
}

export function gptTraining(sizes: GptSizes, device: Device, { seed = 1, lr = 3e-4, precision = 'f32' }: { seed?: number; lr?: number; precision?: Precision } = {}): GptTraining {
  const { L, C, H, T, V } = sizes
  const model = new Gpt({ vocabSize: V, nPositions: T, nEmbd: C, nLayer: L, nHead: H }, { seed, device })
  const parameters: Record<string, Tensor> = Object.fromEntries(model.namedParameters())
  const optimizer = adamW(parameters, { lr, betas: [0.9, 0.95], weightDecay: 0.1 })
  const lossScale = precision === 'mixed' ? new LossScale({ device }) : null
  const inHalves = (scale: LossScale, inputs: Tensor, targets: Tensor): Tensor => {
    const half = castParameters(parameters, 'f16')
    const loss = functionalCall(model, half, () => crossEntropy(model.forward(inputs), targets))
    const { gradients, finite } = scale.unscale(grad(scale.scaled(loss), half), { maxNorm: 1 })
    optimizer.step(gradients, { when: finite })
    return loss
  }
  const inSingles = (inputs: Tensor, targets: Tensor): Tensor => {
    const loss = crossEntropy(model.forward(inputs), targets)
    const { gradients } = clipGradNorm(grad(loss, parameters), 1)
    optimizer.step(gradients)
    return loss
  }
  const uncompiled = lossScale === null ? inSingles : inHalves.bind(null, lossScale)
  return { parameters, optimizer, step: compile(uncompiled), uncompiled, ...batchOf(sizes, 1, device) }
}
