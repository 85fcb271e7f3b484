// Opening a compact file with everything that a BpeTokenizer can do; core.ts opens it with less.
import { BpeTokenizer } from '../bpe-tokenizer.ts'
import { recoverMerges } from '../merge/recover.ts'
import { splitterOf } from '../split/pattern-splitter.ts'
import { readCompact } from './read-compact.ts'

/**
 * Opens what `writeCompact` wrote.
 *
 * @throws TokenizerError 'INVALID_FORMAT', 'UNSUPPORTED_PATTERN'
 * @example
 * const tokenizer = openCompact(new Uint8Array(await (await fetch('o200k.abv')).arrayBuffer()))
 */
export function openCompact(file: Uint8Array): BpeTokenizer {
  return new BpeTokenizer(readCompact(file, ({ pattern }) => splitterOf(pattern), recoverMerges))
}
