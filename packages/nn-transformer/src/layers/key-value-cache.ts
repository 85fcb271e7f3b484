// Keys and values of the tokens seen so far, in tensors of fixed length that a compiled step updates in place. Column s of the cache is the
// s-th token given to the model, padding included.
import { arange, zeros, type Device, type Tensor } from '@abovo/tensor-webgpu'

/** The cache of one attention layer. */
export interface LayerCache {
  /** Keys, then values: (2, B, H, S, D). One tensor, so that a token's are written by one kernel. */
  readonly keysAndValues: Tensor
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
  return { keysAndValues: zeros([2, batchSize, nHead, length, headWidth], { device }) }
}

/**
 * Writes the keys and values (2, B, H, T, D) of T new tokens from column `at` (a scalar tensor, i32) on, touching no other column, and gives all keys
 * and all values, each (B, H, S, D). Within a compiled function.
 */
export function writeColumns({ keysAndValues }: LayerCache, rows: Tensor, at: Tensor): [keys: Tensor, values: Tensor] {
  keysAndValues.assign(keysAndValues.sliceScatter(3, at, rows))
  return [keysAndValues.slice([0]), keysAndValues.slice([1])]
}

/** Which columns hold tokens rather than padding, (B, 1, 1, S): those from `start` (B,) on. */
export function realColumns(start: Tensor, S: number): Tensor {
  return arange(S, undefined, 1, { device: start.device }).reshape([1, 1, 1, S]).ge(start.reshape([-1, 1, 1, 1]))
}
