// Lengths of padded batches come in few sizes, so that a compiled step is traced a few times and not once per batch.
import { OptionError } from './errors.js'

/**
 * Columns for rows of up to `longest` tokens: up to 16 just as many, then the next multiple of 16, never above the context.
 *
 * @throws OptionError when the longest row does not fit: a device would silently clamp its positions.
 */
export function rowLength(where: string, longest: number, contextLength: number): number {
  if (longest > contextLength) throw new OptionError(`${where}: a row must fit in the model's context of ${contextLength} tokens, got ${longest}; shorten it`)
  return longest <= 16 ? longest : Math.min(Math.ceil(longest / 16) * 16, contextLength)
}
