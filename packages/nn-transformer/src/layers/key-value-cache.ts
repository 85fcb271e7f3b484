// Keys and values of the tokens seen so far, in tensors of fixed length that a compiled step updates in place. Column s of the cache is the
// s-th token given to the model, padding included.
import { arange, where, zeros, type Device, type Tensor } from '@abovo/tensor-webgpu'

/** The cache of one attention layer: keys and values (B, H, S, D). */
export interface LayerCache {
  readonly key: Tensor
  readonly value: Tensor
}

export interface CacheShape {
  batchSize: number
  nHead: number
  /** S: how many tokens fit. */
  length: number
  headWidth: number
  device?: Device | undefined
}

export function makeLayerCache({ batchSize, nHead, length, headWidth, device }: CacheShape): LayerCache {
  const empty = (): Tensor => zeros([batchSize, nHead, length, headWidth], { device })
  return { key: empty(), value: empty() }
}

/** The cache (B, H, S, D) with rows (B, H, T, D) written from column `at` (a scalar tensor) on. */
export function writeColumns(cache: Tensor, rows: Tensor, at: Tensor): Tensor {
  const [B, H, T, D] = rows.shape
  const S = cache.shape[2]
  const row = arange(S, undefined, 1, { device: cache.device }).sub(at.to('i32')).reshape([1, 1, S, 1])   // which new row belongs in column s
  const inside = row.ge(0).logicalAnd(row.lt(T))
  // one row goes everywhere by broadcasting; several are fetched by index
  const spread = T === 1 ? rows : rows.gather(2, row.clamp({ min: 0, max: T - 1 }).expand([B, H, S, D]))
  return where(inside, spread, cache)
}

/**
 * Which columns each of T new tokens may see, (B, 1, T, S): those from `start` (B,), where the row's padding ends, to the token itself.
 */
export function visibleColumns({ at, start, T, S }: { at: Tensor; start: Tensor; T: number; S: number }): Tensor {
  const column = arange(S, undefined, 1, { device: at.device }).reshape([1, 1, 1, S])
  const last = arange(T, undefined, 1, { device: at.device }).add(at.to('i32')).reshape([1, 1, T, 1])
  return column.le(last).logicalAnd(column.ge(start.reshape([-1, 1, 1, 1])))
}
