// The small entry `@abovo/tokenizer-bpe/core`: encode, decode and count with a compact vocabulary and the known patterns.
import { ByteBpe } from './byte-bpe.ts'
import { TokenizerError } from './errors.ts'
import { readCompact } from './formats/read-compact.ts'
import { scanCl100k } from './split/cl100k.ts'
import { scanGpt2 } from './split/gpt2.ts'
import { scanO200k } from './split/o200k.ts'
import type { Scan } from './split/scan.ts'
import { scanning } from './split/splitter.ts'

const scans: ReadonlyMap<string | undefined, Scan> = /* @__PURE__ */ new Map([['gpt2', scanGpt2], ['cl100k', scanCl100k], ['o200k', scanO200k]])

/**
 * Opens what `writeCompact` of the main entry wrote, for encoding and decoding.
 *
 * @throws TokenizerError 'INVALID_FORMAT'; 'UNSUPPORTED_PATTERN' for a pattern other than those of GPT-2, cl100k and o200k
 * @example
 * import { openCompact } from '@abovo/tokenizer-bpe/core'
 * const tokenizer = openCompact(new Uint8Array(await (await fetch('o200k.abv')).arrayBuffer()))
 */
export function openCompact(file: Uint8Array): ByteBpe {
  const beyond = (what: string): never => {
    throw new TokenizerError('UNSUPPORTED_PATTERN', `openCompact: core has no ${what}; import from @abovo/tokenizer-bpe`)
  }
  return new ByteBpe(readCompact(
    file,
    ({ pattern, scanner = '', classes = '' }) => scanning(pattern, scans.get(scanner) ?? beyond(`scanner of ${pattern}`), scanner, classes),
    () => beyond('merges'),
  ))
}

export { ByteBpe, type BpeParts, type DecodeOptions } from './byte-bpe.ts'
export { TokenIdError, TokenizerError, type TokenizerErrorCode } from './errors.ts'
