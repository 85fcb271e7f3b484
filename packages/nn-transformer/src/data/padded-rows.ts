// Rows of different lengths as one array: filled up on the right, or cut.
import type { HostTensor } from '../host-tensor.js'

/**
 * (B, T) with `fill` behind each row's end.
 *
 * @example
 * paddedRows([[1, 2], [3]], { length: 3, fill: 0 })   // [[1, 2, 0], [3, 0, 0]]
 */
export function paddedRows(rows: readonly ArrayLike<number>[], { length, fill }: { length: number; fill: number }): HostTensor {
  const data = new Int32Array(rows.length * length).fill(fill)
  rows.forEach((row, b) => {
    for (let t = 0; t < Math.min(row.length, length); t++) data[b * length + t] = row[t]
  })
  return { shape: [rows.length, length], data }
}
