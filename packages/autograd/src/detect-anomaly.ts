// Anomaly mode: a piece of training run with every line remembered, and its result searched. For a run that has gone wrong, not for every run.
import { recordSites } from '@abovo/tensor-webgpu'
import { findNonFinite } from './find-non-finite.js'
import { GradientError } from './gradient-error.js'

// Not `new URL('.', import.meta.url)`: bundlers take that for a file to ship.
const here = import.meta.url.slice(0, import.meta.url.lastIndexOf('/') + 1)

/**
 * Runs the body of a training loop and gives what it gives. If a tensor of the result (in arrays or objects, at any depth) has a NaN or an
 * infinity, throws an error that names the first operation that made one, from what, and the line that called it: for a gradient, the line of
 * `grad`. It reads every intermediate value. Inside a compiled function there are none: give the body the function itself.
 *
 * @throws GradientError (code 'anomaly')
 * @example
 * const { loss, gradients } = await detectAnomaly(() => {
 *   const loss = lossOf(model, batch)
 *   return { loss, gradients: grad(loss, parameters) }
 * })
 */
export async function detectAnomaly<T>(body: () => T | Promise<T>): Promise<T> {
  const before = recordSites(true, { ignore: [here] })
  let result: T
  try {
    result = await body()
  } finally {
    recordSites(before)
  }
  const found = await findNonFinite(result)
  if (found === null) return result
  const remedy = found.operation === 'source' ? 'look at what made this tensor; inside a compiled function, run the function itself' : 'keep its operands within its domain'
  throw new GradientError(`detectAnomaly: all values must be finite, got: ${found.message}; ${remedy}`, 'anomaly')
}
