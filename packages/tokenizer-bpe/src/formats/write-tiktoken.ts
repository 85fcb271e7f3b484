// A vocabulary as a .tiktoken file. Only ranks are written: the pattern and special tokens have no place in the format.
import type { ByteBpe } from '../byte-bpe.ts'
import { TokenizerError } from '../errors.ts'
import { base64Text } from './base64.ts'

/**
 * The text of a .tiktoken file.
 *
 * @throws TokenizerError 'INVALID_VOCABULARY' if the ids are not in the order of the merges, so that ranks could not stand for both
 */
export function writeTiktoken(tokenizer: ByteBpe): string {
  const { vocabulary, pairs } = tokenizer
  const merges = pairs.list()
  for (let k = 3; k < merges.length; k += 3) {
    if (merges[k + 2] <= merges[k - 1]) throw new TokenizerError('INVALID_VOCABULARY', `writeTiktoken: ids must rise with the merges, got ${merges[k + 2]} after ${merges[k - 1]}; use toJSON() instead`)
  }
  let text = ''
  for (let id = 0; id < vocabulary.size; id++) if (vocabulary.has(id)) text += `${base64Text(vocabulary.bytesOf(id))} ${id}\n`
  return text
}
