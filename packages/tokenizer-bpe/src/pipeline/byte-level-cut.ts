// Recognizes the pre-tokenizers of byte-level BPE, which a splitter on bytes can do: ByteLevel alone, or isolating splits before it.
import { type JsonObject, fieldOf, flagField, isObject, listOf } from '../formats/json.ts'
import { splitterOf } from '../split/pattern-splitter.ts'
import { gpt2Splitter } from '../split/known.ts'
import { type Splitter, uncut } from '../split/splitter.ts'

export interface ByteLevelCut {
  splitter: Splitter
  addPrefixSpace: boolean
}

/** The splitter of a pre-tokenizer; undefined if it is not of this kind. */
export function byteLevelCutOf(preTokenizer: JsonObject): ByteLevelCut | undefined {
  const type = fieldOf(preTokenizer, 'type')
  if (type === 'ByteLevel') {
    return { splitter: flagField(preTokenizer, 'use_regex', true) ? gpt2Splitter : uncut, addPrefixSpace: flagField(preTokenizer, 'add_prefix_space', true) }
  }
  if (type !== 'Sequence') return undefined
  const parts = listOf(fieldOf(preTokenizer, 'pretokenizers'), 'pre_tokenizer.pretokenizers')
  if (parts.length !== 2) return undefined
  const [split, byteLevel] = parts
  if (!isObject(split) || !isObject(byteLevel)) return undefined
  const pattern = fieldOf(split, 'pattern')
  const regex = isObject(pattern) ? fieldOf(pattern, 'Regex') : undefined
  const plain = fieldOf(split, 'type') === 'Split' && fieldOf(split, 'behavior') === 'Isolated' && !flagField(split, 'invert', false)
  const bytes = fieldOf(byteLevel, 'type') === 'ByteLevel' && !flagField(byteLevel, 'use_regex', true) && !flagField(byteLevel, 'add_prefix_space', true)
  return typeof regex === 'string' && plain && bytes ? { splitter: splitterOf(regex), addPrefixSpace: false } : undefined
}
