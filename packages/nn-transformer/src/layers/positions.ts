// Sinusoidal positions: fixed waves of growing length, so that a shift is a rotation. arXiv 1706.03762, 3.5. Learned positions are an Embedding.
import { tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'

/** (T, C): sin in even columns, cos in odd ones, wavelengths from 2π to 10000·2π. */
export function sinusoidalPositions(T: number, C: number, { device }: { device?: Device | undefined } = {}): Tensor {
  const table = new Float32Array(T * C)
  for (let t = 0; t < T; t++)
    for (let c = 0; c < C; c++) {
      const angle = t / 10000 ** ((c - (c % 2)) / C)
      table[t * C + c] = c % 2 === 0 ? Math.sin(angle) : Math.cos(angle)
    }
  return tensor(table, { shape: [T, C], device })
}
