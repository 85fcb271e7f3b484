// The dice of random programs, and what has been drawn so far: leaves, steps, and values whose shapes say what may come next.
import { RandomStream, tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'

export interface Leaf {
  readonly shape: readonly number[]
  readonly dtype: 'f32' | 'i32' | 'bool'
  readonly values: readonly number[]
}

export interface Step {
  /** PyTorch's expression; `v0` … are the leaves, then the results. */
  readonly torch: string
  readonly run: (values: readonly Tensor[]) => Tensor
}

/** What a step is drawn with: dice, and leaves of its own. */
export class Draw {
  readonly random: RandomStream
  /** Values so far, on the reference device: their shapes say what may come next. */
  readonly values: Tensor[] = []
  readonly leaves: Leaf[] = []
  readonly steps: Step[] = []
  readonly #device: Device

  constructor(seed: number, device: Device) {
    this.random = new RandomStream(seed)
    this.#device = device
  }

  integer(low: number, high: number): number {
    return low + this.random.integer(high - low)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.integer(list.length)]
  }

  axis(x: Tensor): number {
    return this.integer(-x.rank, x.rank)
  }

  /** A new leaf; gives its number. Leaves come first, so they are all drawn before the steps. */
  leaf(shape: readonly number[], dtype: Leaf['dtype'] = 'f32'): number {
    const size = shape.reduce((product, n) => product * n, 1)
    const draw = (): number => (dtype === 'f32' ? Number((this.random.uniform() * 4 - 2).toFixed(4)) : dtype === 'i32' ? this.integer(-9, 10) : this.integer(0, 2))
    const leaf = { shape, dtype, values: Array.from({ length: size }, draw) }
    this.leaves.push(leaf)
    this.values.push(leafOn(leaf, this.#device))
    return this.values.length - 1
  }
}

export const leafOn = ({ shape, dtype, values }: Leaf, device: Device): Tensor => tensor(Float64Array.from(values), { shape, dtype, device })
