// Initial values of parameters, made on the host from a seed: the same bits on every device. Not a layer.
import { tensor, threefry2x32, zeros, type Device, type Shape, type Tensor } from '@abovo/tensor-webgpu'

const product = (shape: Shape): number => shape.reduce((a, b) => a * b, 1)

/**
 * Gives every parameter of a model its own stream of random numbers, in the order in which the layers ask.
 *
 * @example
 * const initializer = new Initializer(42)
 * const weight = initializer.normal([64, 64], { std: 0.02 })
 */
export class Initializer {
  readonly #seed: number | null
  readonly device: Device | undefined
  #stream = 0

  /** `seed` null: all zeros and no memory, for models whose parameters are loaded right after. */
  constructor(seed: number | null, { device }: { device?: Device | undefined } = {}) {
    this.#seed = seed
    this.device = device
  }

  /** Normal with mean 0. */
  normal(shape: Shape, { std = 1 }: { std?: number } = {}): Tensor {
    // Box and Muller: 1 − u lies in (0, 1], so the logarithm is finite
    return this.#draw(shape, (u, v) => {
      const radius = std * Math.sqrt(-2 * Math.log(1 - u))
      return [radius * Math.cos(2 * Math.PI * v), radius * Math.sin(2 * Math.PI * v)]
    })
  }

  /** Uniform in [-bound, bound). */
  uniform(shape: Shape, { bound = 1 }: { bound?: number } = {}): Tensor {
    return this.#draw(shape, (u, v) => [(2 * u - 1) * bound, (2 * v - 1) * bound])
  }

  zeros(shape: Shape): Tensor {
    return this.full(shape, 0)
  }

  ones(shape: Shape): Tensor {
    return this.full(shape, 1)
  }

  full(shape: Shape, value: number): Tensor {
    if (this.#seed === null) return zeros(shape, { device: this.device })
    return tensor(new Float32Array(product(shape)).fill(value), { shape, device: this.device })
  }

  #draw(shape: Shape, pair: (u: number, v: number) => [number, number]): Tensor {
    if (this.#seed === null) return zeros(shape, { device: this.device })
    const [key0, key1] = threefry2x32(this.#seed >>> 0, Math.floor(this.#seed / 2 ** 32) >>> 0, this.#stream++, 0)
    const data = new Float32Array(product(shape))
    for (let i = 0; i < data.length; i += 2) {
      const [a, b] = threefry2x32(key0, key1, i, 0)
      const values = pair((a >>> 8) / 2 ** 24, (b >>> 8) / 2 ** 24)
      data[i] = values[0]
      if (i + 1 < data.length) data[i + 1] = values[1]
    }
    return tensor(data, { shape, device: this.device })
  }
}
