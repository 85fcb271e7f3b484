// Steps of an optimizer on mean((A·W − b)²), gradient norm clipped to 1, as one compiled function: the losses and the weights at the end.
import { adagrad, adam, adamW, clipGradNorm, grad, rmsprop, sgd, type Optimizer } from '@abovo/autograd'
import { compile, type Device, type Tensor } from '@abovo/tensor-webgpu'
import type { Pair } from './compare.ts'
import type { LayerCase } from './layer-file.ts'

interface Parameters {
  readonly W: Tensor
}
type Settings = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Settings => typeof value === 'object' && value !== null

function numberIn(settings: Settings, name: string, otherwise: number): number {
  const value = settings[name]
  return typeof value === 'number' ? value : otherwise
}

function pairIn(settings: Settings, name: string): readonly [number, number] {
  const value = settings[name]
  if (!Array.isArray(value)) return [0.9, 0.999]
  return [Number(value[0]), Number(value[1])]
}

/** torch.optim's names to ours. Decay applies to all, as there. */
function optimizerFor(name: string, parameters: Parameters, settings: Settings): Optimizer<Parameters> {
  const lr = numberIn(settings, 'lr', 1e-3)
  const shared = { lr, weightDecay: numberIn(settings, 'weight_decay', 0), maximize: settings['maximize'] === true, decay: 'all' } as const
  const momentum = numberIn(settings, 'momentum', 0)
  const eps = numberIn(settings, 'eps', 1e-8)
  if (name.startsWith('sgd')) return sgd(parameters, { ...shared, momentum, dampening: numberIn(settings, 'dampening', 0), nesterov: settings['nesterov'] === true })
  if (name.startsWith('rmsprop')) return rmsprop(parameters, { ...shared, momentum, eps, alpha: numberIn(settings, 'alpha', 0.99), centered: settings['centered'] === true })
  if (name.startsWith('adagrad')) return adagrad(parameters, { ...shared, eps, lrDecay: numberIn(settings, 'lr_decay', 0), initialAccumulatorValue: numberIn(settings, 'initial_accumulator_value', 0) })
  const options = { ...shared, eps, betas: pairIn(settings, 'betas'), amsgrad: settings['amsgrad'] === true }
  if (name.startsWith('adam')) return settings['decoupled_weight_decay'] === true ? adamW(parameters, options) : adam(parameters, options)
  throw new Error(`the optimizer must be sgd, adam, adamw, rmsprop or adagrad, got ${name}`)
}

export async function runOptimizer(one: LayerCase, device: Device): Promise<Pair[]> {
  const { optimizer: settings, losses } = one.info
  if (!isRecord(settings) || !Array.isArray(losses)) throw new Error('an optimizer case must have optimizer and losses in layers.json')
  const [A, b, W] = ['A', 'b', 'W0'].map(name => one.on(device, name))
  const optimizer = optimizerFor(one.name, { W }, settings)
  const step = compile((inputs: Tensor, targets: Tensor) => {
    const loss = inputs.matmul(W).sub(targets).square().mean()
    optimizer.step(clipGradNorm(grad(loss, { W }), 1).gradients)
    return loss
  })
  const seen: number[] = []
  for (let i = 0; i < losses.length; i++) seen.push(await step(A, b).item())
  const end = `W${losses.length}`
  return [
    { name: 'losses', kind: 'output', got: seen, expected: losses.map(Number) },
    { name: end, kind: 'output', got: await W.data(), expected: one.values(end) },
  ]
}
