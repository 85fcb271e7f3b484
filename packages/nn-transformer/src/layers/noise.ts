// The randomness of one forward pass in training. A forward pass without Noise is evaluation: no dropout, no mode to forget to switch.
import { dropout, type Tensor } from '@abovo/tensor-webgpu'

/**
 * Makes dropout masks, each from a stream of its own. Make a new one for every forward pass; the seed may be a scalar tensor that a compiled
 * step gets as an argument.
 *
 * @example
 * const logits = model.forward(ids, { noise: new Noise(step) })
 */
export class Noise {
  readonly #seed: number | Tensor
  #stream = 0

  constructor(seed: number | Tensor) {
    this.#seed = seed
  }

  /** Zeroes elements with probability p and scales the rest by 1/(1−p). JMLR 15:1929. */
  drop(x: Tensor, p: number): Tensor {
    return p === 0 ? x : dropout(x, { p, seed: this.#seed, stream: this.#stream++ })
  }
}

/** Dropout if there is noise, else x itself. */
export const drop = (x: Tensor, p: number, noise: Noise | undefined): Tensor => (noise === undefined ? x : noise.drop(x, p))
