// Gradients of several small batches as one of a large batch: kept sums, given and cleared when enough are in.
import { zerosLike, type Tensor } from '@abovo/tensor-webgpu'
import { GradientError } from '../gradient-error.js'
import { leavesOf, withLeaves, type Gradients, type Leaf } from '../tensor-tree.js'

/**
 * @example
 * const accumulator = new GradientAccumulator(parameters)
 * const addBatch = compile((x: Tensor) => accumulator.add(grad(lossOf(x), parameters)))
 * const update = compile(() => optimizer.step(accumulator.take(4)))
 * for (const x of fourBatches) addBatch(x)
 * update()
 */
export class GradientAccumulator<P = unknown> {
  readonly #parameters: P
  readonly #leaves: readonly Leaf[]
  readonly #sums: readonly Tensor[]

  constructor(parameters: P) {
    this.#parameters = parameters
    this.#leaves = leavesOf('accumulate', parameters)
    this.#sums = this.#leaves.map(({ tensor }) => zerosLike(tensor))
  }

  /** Adds the gradients of one batch, in place. */
  add(gradients: Gradients<P>): void {
    const given = leavesOf('accumulate', gradients)
    if (given.length !== this.#sums.length) throw new GradientError(`accumulate: one gradient for each of ${this.#sums.length} parameters is needed, got ${given.length}`)
    this.#sums.forEach((sum, i) => void sum.assign(sum.add(given[i].tensor)))
  }

  /** The mean over `batches` batches; the sums begin again at zero. */
  take(batches: number): Gradients<P> {
    const means = this.#sums.map(sum => sum.mul(1 / batches))
    for (const sum of this.#sums) sum.assign(zerosLike(sum))
    return withLeaves(this.#parameters, means)
  }
}
