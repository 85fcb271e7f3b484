// One model in training: its optimizer, and a compiled step of forward pass, gradients, clipping and update. The loop around it is train.ts.
import { compile, tensor, type Compiled, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { adamW, clipGradNorm, grad, type AdamOptions, type Optimizer } from '@abovo/autograd'
import type { Batch } from '../data/random-windows.js'
import type { StateDict } from '../host-tensor.js'
import { Noise } from '../layers/noise.js'
import type { Module } from '../module.js'

/** A scalar to be made small, from a batch's tensors. */
export type Loss = (batch: Readonly<Record<string, Tensor>>, noise: Noise) => Tensor

export interface TrainingOptions extends AdamOptions {
  /** The gradients' global norm is at most this. Infinity: no clipping. */
  clip?: number
  /** Of dropout. */
  seed?: number
}

/** Scalars of one step, not read yet. */
export interface StepResult {
  readonly loss: Tensor
  /** Before clipping. */
  readonly gradNorm: Tensor
}

/**
 * A step whose loss or gradient is not finite changes nothing, and neither do all later ones: parameters and optimizer stay as they were before it.
 *
 * @example
 * const training = new Training(model, (batch, noise) => crossEntropy(model.forward(batch.inputs, { noise }), batch.targets), { lr: 3e-4 })
 * const { loss } = training.step(windows.next())
 * await loss.item()
 */
export class Training {
  readonly #optimizer: Optimizer<Record<string, Tensor>>
  readonly #device: Device
  readonly #step: Compiled<[Readonly<Record<string, Tensor>>], StepResult>
  /** Scalar, 1 until a step is not finite. */
  readonly #healthy: Tensor
  #done = 0

  constructor(model: Module, loss: Loss, { clip = 1, seed = 0, ...options }: TrainingOptions = {}) {
    const parameters: Record<string, Tensor> = Object.fromEntries(model.namedParameters())
    this.#device = model.parameters()[0].device
    this.#optimizer = adamW(parameters, options)
    this.#healthy = tensor(1, { device: this.#device })
    this.#step = compile((batch: Readonly<Record<string, Tensor>>) => {
      // steps done are in the optimizer's state: a resumed run draws the same masks
      const noise = new Noise(this.#optimizer.steps.to('u32').add(tensor(Uint32Array.of(Math.imul(seed, 0x9e3779b1)), { shape: [], device: this.#device })))
      const value = loss(batch, noise)
      const { gradients, norm } = clipGradNorm(grad(value, parameters), clip)
      const healthy = this.#healthy.mul(value.isFinite().logicalAnd(norm.isFinite()).to('f32'))
      this.#optimizer.step(gradients, { when: healthy.gt(0) })
      this.#healthy.assign(healthy)
      return { loss: value, gradNorm: norm }
    })
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

  /** The optimizer's state, on the host. With the parameters all that is needed to go on exactly. */
  async state(): Promise<StateDict> {
    const tensors = Object.entries(this.#optimizer.state())
    const data = await Promise.all(tensors.map(([, value]) => value.data()))
    return new Map(tensors.map(([name, value], i) => [name, { shape: value.shape, data: data[i] }]))
  }

  /** Goes on from a saved state. Throws autograd's GradientError when it is another model's. */
  load(state: StateDict): void {
    const entries = [...state].map(([name, { shape, data }]): [string, Tensor] => [name, tensor(data, { shape, device: this.#device })])
    this.#optimizer.load(Object.fromEntries(entries))
    this.#done = state.get('step')?.data[0] ?? 0
  }

  /** The plan of a step as a table, one line a kernel; after the first. */
  explain(): string {
    return this.#step.explain()
  }

  dispose(): void {
    this.#step.dispose()
    this.#optimizer.dispose()
  }
}
