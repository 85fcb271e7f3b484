// The position-wise network of PyTorch's Transformer layers: linear, relu, dropout, linear. arXiv 1706.03762, eq. 2. A function over two Linear
// layers, because PyTorch keeps both as fields of the block itself.
import type { Tensor } from '@abovo/tensor-webgpu'
import type { Linear } from './linear.js'
import { drop, type Noise } from './noise.js'

/** (B, T, C) → (B, T, C). */
export const feedForward = (x: Tensor, linear1: Linear, linear2: Linear, { pdrop = 0, noise }: { pdrop?: number; noise?: Noise | undefined } = {}): Tensor =>
  linear2.forward(drop(linear1.forward(x).relu(), pdrop, noise))
