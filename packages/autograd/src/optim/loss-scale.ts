// Dynamic loss scaling for f16: gradients too small for f16 are lifted by a factor, which falls when they overflow and rises while they do
// not. All is decided in the graph: nothing is read back. arXiv 1710.03740, section 3.2; PyTorch's GradScaler and its defaults.
import { tensor, where, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { GradientError } from '../gradient-error.js'
import { leavesOf, withLeaves, type Gradients } from '../tensor-tree.js'
import { allFinite } from './finite.js'

export interface LossScaleOptions {
  initialScale?: number
  growthFactor?: number
  backoffFactor?: number
  /** Steps without overflow after which the factor grows. */
  growthInterval?: number
  device?: Device
}

/**
 * @example
 * const lossScale = new LossScale()
 * const { gradients, finite } = lossScale.unscale(grad(lossScale.scaled(loss), parameters))
 * optimizer.step(gradients, { when: finite })     // a step that overflowed changes nothing
 */
export class LossScale {
  readonly #scale: Tensor
  readonly #good: Tensor
  readonly #options: Required<Omit<LossScaleOptions, 'initialScale' | 'device'>>

  constructor({ initialScale = 65536, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000, device }: LossScaleOptions = {}) {
    this.#options = { growthFactor, backoffFactor, growthInterval }
    this.#scale = tensor(initialScale, device && { device })
    this.#good = tensor(0, device && { device })
  }

  /** The factor now, a scalar f32 tensor. */
  get scale(): Tensor {
    return this.#scale
  }

  /** The loss to differentiate. */
  scaled(loss: Tensor): Tensor {
    return loss.mul(this.#scale.to(loss.dtype))
  }

  /** The true gradients, in f32, and whether all are finite; adapts the factor for the next step. Once a step. */
  unscale<T>(gradients: T): { gradients: Gradients<T>; finite: Tensor } {
    const { growthFactor, backoffFactor, growthInterval } = this.#options
    const inverse = this.#scale.reciprocal()
    const unscaled = leavesOf('unscale', gradients).map(leaf => leaf.tensor.to('f32').mul(inverse))
    const finite = allFinite(unscaled)
    const good = this.#good.add(1)
    const grows = good.ge(growthInterval)
    this.#scale.assign(where(finite, where(grows, this.#scale.mul(growthFactor), this.#scale), this.#scale.mul(backoffFactor)))
    this.#good.assign(where(finite.logicalAnd(grows.logicalNot()), good, 0))
    return { gradients: withLeaves(gradients, unscaled), finite }
  }

  /** For saving. */
  state(): Record<string, Tensor> {
    return { scale: this.#scale, good: this.#good }
  }

  /** @throws GradientError when a tensor is missing */
  load(saved: Readonly<Record<string, Tensor>>): void {
    for (const [name, own] of Object.entries(this.state())) {
      if (!Object.hasOwn(saved, name)) throw new GradientError(`load: the saved loss scale must hold '${name}', got none`)
      own.assign(saved[name])
    }
  }
}
