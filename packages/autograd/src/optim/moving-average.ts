// An exponential moving average of weights: smoother than the weights themselves, often better to evaluate. Updated in place, as optimizers are.
import type { Tensor } from '@abovo/tensor-webgpu'
import { GradientError } from '../gradient-error.js'
import { leavesOf, withLeaves, type Gradients, type Leaf } from '../tensor-tree.js'

/**
 * @example
 * const average = new MovingAverage(parameters, { decay: 0.999 })
 * optimizer.step(gradients)
 * average.update()
 */
export class MovingAverage<P = unknown> {
  readonly #parameters: P
  readonly #leaves: readonly Leaf[]
  readonly #averages: readonly Tensor[]
  readonly #decay: number

  /** Starts at the present weights; `decay` is how much of the average is kept at each update. */
  constructor(parameters: P, { decay = 0.999 }: { decay?: number } = {}) {
    if (!(decay >= 0 && decay < 1)) throw new GradientError(`MovingAverage: decay must lie in [0, 1), got ${decay}`)
    this.#parameters = parameters
    this.#leaves = leavesOf('MovingAverage', parameters)
    // Realized: a copy of what the weights are now, however they change.
    this.#averages = this.#leaves.map(({ tensor }) => tensor.stopGradient().add(0).realize().asLeaf())
    this.#decay = decay
  }

  /** The tree of the parameters, with the averages in their places. */
  get averages(): Gradients<P> {
    return withLeaves(this.#parameters, this.#averages)
  }

  /** average ← decay·average + (1 − decay)·weight. After the optimizer's step, in the same compiled function or eagerly. */
  update(): void {
    this.#leaves.forEach(({ tensor }, i) => {
      const average = this.#averages[i]
      average.assign(average.add(tensor.sub(average).mul(1 - this.#decay)))
    })
  }

  /** The averages by the paths of their parameters, for saving. */
  state(): Record<string, Tensor> {
    return Object.fromEntries(this.#leaves.map(({ path }, i) => [path, this.#averages[i]]))
  }

  /** @throws GradientError when a tensor is missing; ShapeError when one does not fit */
  load(saved: Readonly<Record<string, Tensor>>): void {
    this.#leaves.forEach(({ path }, i) => {
      if (!Object.hasOwn(saved, path)) throw new GradientError(`load: the saved averages must hold '${path}', got none; were they saved for other parameters?`)
      this.#averages[i].assign(saved[path])
    })
  }
}
