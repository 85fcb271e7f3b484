// Where a trainer's rows come from: a list walked in a fresh order every epoch, or a function of the step. Which rows a step sees follows
// from the seed and the step alone, so nothing of it needs saving.
import { RandomStream, threefry2x32 } from '@abovo/tensor-webgpu'
import { OptionError } from './errors.js'

export type RowSource<T> = readonly T[] | ((step: number, count: number) => readonly T[])

/** The rows of one step, `count` of them. */
export function rowsOfStep<T>(source: RowSource<T>, { step, count, seed }: { step: number; count: number; seed: number }): readonly T[] {
  if (typeof source === 'function') return source(step, count)
  if (source.length === 0) throw new OptionError('rowsOfStep: there must be at least one row, got an empty list')
  const orders = new Map<number, Uint32Array>()
  const orderOf = (epoch: number): Uint32Array => {
    const order = orders.get(epoch) ?? streamOf(seed, { step: epoch, purpose: 'order of rows' }).permutation(source.length)
    orders.set(epoch, order)
    return order
  }
  return Array.from({ length: count }, (_, i) => {
    const position = step * count + i
    return source[orderOf(Math.floor(position / source.length))[position % source.length]]
  })
}

const purposes = ['order of rows', 'sampling', 'minibatches', 'pretraining rows'] as const

/** Random numbers for one purpose at one step. */
export function streamOf(seed: number, { step, purpose }: { step: number; purpose: (typeof purposes)[number] }): RandomStream {
  const [key] = threefry2x32(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, step, purposes.indexOf(purpose) + 1)
  return new RandomStream(key)
}
