// Counter-based randomness: threefry-2x32 with 20 rounds (Salmon et al., SC 2011; the variant JAX uses). The same bits on every device.

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const
const rotateLeft = (x: number, n: number): number => (x << n) | (x >>> (32 - n))

/** Two u32 words from a two-word key and a two-word counter. */
export function threefry2x32(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const keys = [key0 | 0, key1 | 0, (key0 ^ key1 ^ 0x1bd11bda) | 0] as const
  let x0 = (counter0 + keys[0]) | 0
  let x1 = (counter1 + keys[1]) | 0
  for (let block = 0; block < 5; block++) {
    for (let round = 0; round < 4; round++) {
      x0 = (x0 + x1) | 0
      x1 = rotateLeft(x1, ROTATIONS[(block % 2) * 4 + round]) ^ x0
    }
    x0 = (x0 + keys[(block + 1) % 3]) | 0
    x1 = (x1 + keys[(block + 2) % 3] + block + 1) | 0
  }
  return [x0 >>> 0, x1 >>> 0]
}

/** A stream of numbers for host code: shuffles, batch order, sampling. Its whole state is `seed` and `counter`, so it can be saved. */
export class RandomStream {
  readonly seed: number
  counter: number
  constructor(seed: number, counter = 0) {
    this.seed = seed
    this.counter = counter
  }
  /** Uniform in [0, 1), 24 bits. */
  uniform(): number {
    const [bits] = threefry2x32(this.seed >>> 0, Math.floor(this.seed / 2 ** 32) >>> 0, this.counter >>> 0, Math.floor(this.counter / 2 ** 32) >>> 0)
    this.counter++
    return (bits >>> 8) / 2 ** 24
  }
  /** Uniform integer in [0, bound). */
  integer(bound: number): number {
    return Math.floor(this.uniform() * bound)
  }
  /** A random order of 0 … n-1 (Fisher-Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i)
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      const held = order[i]
      order[i] = order[j]
      order[j] = held
    }
    return order
  }
}
