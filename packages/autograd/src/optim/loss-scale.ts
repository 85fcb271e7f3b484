// Dynamic loss scaling for f16: gradients too small for f16 are lifted by a factor, which falls when they overflow and rises while they do
// not. All is decided in the graph: nothing is read back. arXiv 1710.03740, section 3.2; PyTorch's GradScaler and its defaults.
import { tensor, where, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { GradientError } from '../gradient-error.js'
import { leavesOf, withLeaves, type Gradients } from '../tensor-tree.js'
import { clipFactor, normOf } from './clip.js'
import { allFinite } from './finite.js'
import { flats, mapPacked } from './packing.js'

export interface LossScaleOptions {
  /** 65536 by default. */
  initialScale?: number
  growthFactor?: number
  backoffFactor?: number
  /** Steps without overflow after which the factor grows. */
  growthInterval?: number
  device?: Device
}

export interface Unscaled<T> {
  readonly gradients: Gradients<T>
  readonly norm: Tensor
  /** bool scalar. */
  readonly finite: Tensor
}

/**
 * @example
 * const lossScale = new LossScale()
 * const half = castParameters(parameters, 'f16')
 * const { gradients, finite } = lossScale.unscale(grad(lossScale.scaled(lossOf(half)), half), { maxNorm: 1 })
 * optimizer.step(gradients, { when: finite })     // a step that overflowed changes nothing
 */
export class LossScale {
  readonly #scale: Tensor
  readonly #good: Tensor
  readonly #skipped: Tensor
  readonly #options: Required<Omit<LossScaleOptions, 'initialScale' | 'device'>>

  constructor({ initialScale = 65536, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000, device }: LossScaleOptions = {}) {
    this.#options = { growthFactor, backoffFactor, growthInterval }
    this.#scale = tensor(initialScale, device && { device })
    this.#good = tensor(0, device && { device })
    this.#skipped = tensor(0, device && { device })
  }

  /** The factor now, a scalar f32 tensor. */
  get scale(): Tensor {
    return this.#scale
  }

  /** Steps that overflowed so far, a scalar f32 tensor. */
  get skipped(): Tensor {
    return this.#skipped
  }

  /** The loss to differentiate, in f32: multiplied it is more than f16 holds. */
  scaled(loss: Tensor): Tensor {
    return loss.to('f32').mul(this.#scale)
  }

  /**
   * The true gradients, in f32, and whether all are finite; adapts the factor for the next step. Once a step. Halves at their largest count as
   * overflow too: hardware may round there instead of to infinity.
   *
   * @param maxNorm clips as `clipGradNorm` does, with no further pass over the gradients
   * @returns `norm`: of the true gradients, before clipping; a number of no meaning where they are not finite
   */
  unscale<T>(gradients: T, { maxNorm = Infinity }: { maxNorm?: number } = {}): Unscaled<T> {
    const { growthFactor, backoffFactor, growthInterval } = this.#options
    const given = leavesOf('unscale', gradients).map(leaf => leaf.tensor)
    // Scalars as (1,), as the reductions give them: one kernel computes them all.
    const [scale, good, skipped] = [this.#scale, this.#good, this.#skipped].map(value => value.reshape([1]))
    const scaledNorm = normOf(given)
    const finite = allFinite(flats(given)).logicalAnd(scaledNorm.isFinite())
    const inverse = scale.reciprocal()
    const norm = scaledNorm.mul(inverse)
    const factor = (maxNorm === Infinity ? inverse : inverse.mul(clipFactor(norm, maxNorm))).reshape([])
    const unscaled = mapPacked(given, tensor => tensor.to('f32').mul(factor))
    const next = good.add(1)
    const grows = next.ge(growthInterval)
    // a factor that became infinite would never overflow less
    const grown = scale.mul(growthFactor)
    this.#skipped.assign(where(finite, skipped, skipped.add(1)).reshape([]))
    this.#scale.assign(where(finite, where(grows.logicalAnd(grown.isFinite()), grown, scale), scale.mul(backoffFactor)).reshape([]))
    this.#good.assign(where(finite.logicalAnd(grows.logicalNot()), next, 0).reshape([]))
    return { gradients: withLeaves(gradients, unscaled), norm: norm.reshape([]), finite: finite.reshape([]) }
  }

  /** For saving. */
  state(): Record<string, Tensor> {
    return { scale: this.#scale, good: this.#good, skipped: this.#skipped }
  }

  /** @throws GradientError when a tensor is missing */
  load(saved: Readonly<Record<string, Tensor>>): void {
    for (const [name, own] of Object.entries(this.state())) {
      if (!Object.hasOwn(saved, name)) throw new GradientError(`load: the saved loss scale must hold '${name}', got none; was it saved in mixed precision?`)
      own.assign(saved[name])
    }
  }

  dispose(): void {
    for (const kept of Object.values(this.state())) kept.dispose()
  }
}
