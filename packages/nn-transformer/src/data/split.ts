// Which tokens are trained on and which are held out.
import { DataError } from '../errors.js'

/**
 * The last part of a text is held out, as whole: neighbouring windows would leak.
 *
 * @example
 * const { train, validation } = splitTokens(ids, { validation: 0.1 })
 */
export function splitTokens(ids: ArrayLike<number>, { validation = 0.1 }: { validation?: number } = {}): { train: Int32Array; validation: Int32Array } {
  if (!(validation > 0 && validation < 1)) throw new DataError(`splitTokens: the held-out part must lie between 0 and 1, got ${validation}`)
  const all = Int32Array.from(ids)
  const border = Math.floor(all.length * (1 - validation))
  if (border < 2 || all.length - border < 2) throw new DataError(`splitTokens: both parts need two tokens, got ${border} and ${all.length - border} of ${all.length}; give a longer text`)
  return { train: all.subarray(0, border), validation: all.subarray(border) }
}
