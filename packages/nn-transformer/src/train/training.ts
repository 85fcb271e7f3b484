// One model in training: its optimizer, and a compiled step of forward pass, gradients, clipping and update. The loop around it is train.ts.
import { compile, tensor, where, type Compiled, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { adamW, castParameters, clipGradNorm, grad, LossScale, type AdamOptions, type LossScaleOptions, type Optimizer } from '@abovo/autograd'
import type { Batch } from '../data/random-windows.js'
import { functionalCall } from '../functional-call.js'
import type { StateDict } from '../host-tensor.js'
import { Noise } from '../layers/noise.js'
import type { Module } from '../module.js'
import { requirePrecision, type Precision } from './precision.js'

/** A scalar to be made small, from a batch's tensors. */
export type Loss = (batch: Readonly<Record<string, Tensor>>, noise: Noise) => Tensor

export interface TrainingOptions extends AdamOptions {
  /** The gradients' global norm is at most this. Infinity: no clipping. */
  clip?: number
  /** Of dropout. */
  seed?: number
  /** 'f32' by default. 'mixed' needs WebGPU where f16 works. */
  precision?: Precision
  /** Of mixed precision: where the loss scale starts and how it changes. */
  lossScale?: Omit<LossScaleOptions, 'device'>
}

/** Scalars of one step, not read yet. */
export interface StepResult {
  readonly loss: Tensor
  /** Before clipping. Infinite in mixed precision where a gradient overflowed: such a step changes nothing but the loss scale. */
  readonly gradNorm: Tensor
  /** In mixed precision: the loss scale of the next step. */
  readonly lossScale?: Tensor
}

interface Gradients {
  readonly loss: Tensor
  readonly gradients: Readonly<Record<string, Tensor>>
  readonly gradNorm: Tensor
  /** bool: may this step be taken? */
  readonly finite: Tensor
  /** bool: may later ones? */
  readonly healthy: Tensor
  readonly lossScale?: Tensor
}

/**
 * A step whose loss or gradient is not finite changes nothing, and neither do all later ones: parameters and optimizer stay as they were before it.
 * In mixed precision an overflow only halves the loss scale, until that is below 1.
 *
 * @throws ConfigError for mixed precision on a device without f16
 * @example
 * const training = new Training(model, (batch, noise) => crossEntropy(model.forward(batch.inputs, { noise }), batch.targets), { lr: 3e-4 })
 * const { loss } = training.step(windows.next())
 * await loss.item()
 */
export class Training {
  readonly #parameters: Readonly<Record<string, Tensor>>
  readonly #optimizer: Optimizer<Readonly<Record<string, Tensor>>>
  readonly #lossScale: LossScale | null
  readonly #device: Device
  readonly #step: Compiled<[Readonly<Record<string, Tensor>>], StepResult>
  /** Scalar, 1 until a step is not finite. */
  readonly #healthy: Tensor
  #done = 0

  constructor(model: Module, loss: Loss, { clip = 1, seed = 0, precision = 'f32', lossScale, ...options }: TrainingOptions = {}) {
    this.#device = model.parameters()[0].device
    requirePrecision('Training', precision, this.#device)
    this.#parameters = Object.fromEntries(model.namedParameters())
    this.#optimizer = adamW(this.#parameters, options)
    this.#lossScale = precision === 'mixed' ? new LossScale({ ...lossScale, device: this.#device }) : null
    this.#healthy = tensor(1, { device: this.#device })
    this.#step = compile((batch: Readonly<Record<string, Tensor>>) => {
      // steps done are in the optimizer's state: a resumed run draws the same masks
      const noise = new Noise(this.#optimizer.steps.to('u32').add(tensor(Uint32Array.of(Math.imul(seed, 0x9e3779b1)), { shape: [], device: this.#device })))
      const { gradients, finite, healthy: mayGoOn, ...result } = this.#lossScale === null ? this.#plain(() => loss(batch, noise), clip) : this.#mixed(model, () => loss(batch, noise), clip, this.#lossScale)
      const healthy = this.#healthy.mul(mayGoOn.to('f32'))
      this.#optimizer.step(gradients, { when: finite.logicalAnd(healthy.gt(0)) })
      this.#healthy.assign(healthy)
      return result
    })
  }

  #plain(lossOf: () => Tensor, clip: number): Gradients {
    const loss = lossOf()
    const { gradients, norm: gradNorm } = clipGradNorm(grad(loss, this.#parameters), clip)
    const finite = loss.isFinite().logicalAnd(gradNorm.isFinite())
    return { loss, gradients, gradNorm, finite, healthy: finite }
  }

  /** The model on halves of its parameters, the loss multiplied so that small gradients are halves too. */
  #mixed(model: Module, lossOf: () => Tensor, clip: number, scale: LossScale): Gradients {
    const half = castParameters(this.#parameters, 'f16')
    const loss = functionalCall(model, half, lossOf).to('f32')
    const { gradients, norm, finite } = scale.unscale(grad(scale.scaled(loss), half), { maxNorm: clip })
    const lossScale = scale.scale.add(0)
    return { loss, gradients, gradNorm: where(finite, norm, Infinity), finite, healthy: where(finite, loss.isFinite(), lossScale.ge(1)), lossScale }
  }

  /** Steps taken. */
  get done(): number {
    return this.#done
  }

  /** For the next steps; only if the rate was given as a number. */
  setLearningRate(lr: number): void {
    this.#optimizer.setLearningRate(lr)
  }

  /** Queues one step and reads nothing. */
  step(batch: Batch): StepResult {
    const entries = Object.entries(batch).map(([name, { shape, data }]): [string, Tensor] => [name, tensor(data, { shape, device: this.#device })])
    this.#done++
    const result = this.#step(Object.fromEntries(entries))
    for (const [, input] of entries) input.dispose()   // copied in: their memory serves the next batch
    return result
  }

  /** The optimizer's state, and that of the loss scale, on the host. With the parameters all that is needed to go on exactly. */
  async state(): Promise<StateDict> {
    const scale = Object.entries(this.#lossScale?.state() ?? {}).map(([name, value]): [string, Tensor] => [`${LOSS_SCALE}${name}`, value])
    const tensors = [...Object.entries(this.#optimizer.state()), ...scale]
    const data = await Promise.all(tensors.map(([, value]) => value.data()))
    return new Map(tensors.map(([name, value], i) => [name, { shape: value.shape, data: data[i] }]))
  }

  /** Goes on from a saved state. Throws autograd's GradientError when it is another model's, or of another precision than mixed for one that is. */
  load(state: StateDict): void {
    const entries = [...state].map(([name, { shape, data }]): [string, Tensor] => [name, tensor(data, { shape, device: this.#device })])
    this.#optimizer.load(Object.fromEntries(entries))
    this.#lossScale?.load(Object.fromEntries(entries.flatMap(([name, value]) => (name.startsWith(LOSS_SCALE) ? [[name.slice(LOSS_SCALE.length), value]] : []))))
    // the optimizer does not count steps that were skipped
    this.#done = (state.get('step')?.data[0] ?? 0) + (state.get(`${LOSS_SCALE}skipped`)?.data[0] ?? 0)
  }

  /** The plan of a step as a table, one line a kernel; after the first. */
  explain(): string {
    return this.#step.explain()
  }

  dispose(): void {
    this.#step.dispose()
    this.#optimizer.dispose()
    this.#lossScale?.dispose()
    this.#healthy.dispose()
  }
}

/** What the names of a saved loss scale begin with. */
const LOSS_SCALE = 'lossScale.'
