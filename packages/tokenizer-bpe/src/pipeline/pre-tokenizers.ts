// Hugging Face's pre-tokenizers: how a normalized text is cut into the pieces that the model sees.
import { TokenizerError } from '../errors.ts'
import { type JsonObject, fieldOf, flagField, listOf, objectOf, textField } from '../formats/json.ts'
import { GPT2_PATTERN } from '../split/patterns.ts'
import { property, whiteSpace } from '../split/pattern/character-set.ts'
import { findCharacters, findPattern } from '../split/pattern/find.ts'
import { spell } from '../text/byte-alphabet.ts'
import { utf8Of } from '../text/utf8.ts'
import { finderOf } from './finder.ts'
import { SPLIT_BEHAVIORS, type SplitBehavior, splitAt } from './split-behavior.ts'
import { unsupported } from './unsupported.ts'

/** A piece of text; `first` if it begins where the whole text does. */
export interface Piece {
  text: string
  first: boolean
}

export type PreTokenizer = (piece: Piece) => Piece[]

const isAsciiPunctuation = (codePoint: number): boolean => /[!-/:-@[-`{-~]/.test(String.fromCodePoint(codePoint))

/** The pre-tokenizer of a component of tokenizer.json. Throws TokenizerError 'UNSUPPORTED_COMPONENT'. */
export function preTokenizerOf(component: JsonObject, where = 'pre_tokenizer'): PreTokenizer {
  const type = textField(component, 'type', where)
  switch (type) {
    case 'Sequence': {
      const parts = listOf(fieldOf(component, 'pretokenizers'), `${where}.pretokenizers`).map((part, k) => preTokenizerOf(objectOf(part, `${where}[${k}]`), `${where}[${k}]`))
      return (piece) => parts.reduce((pieces, part) => pieces.flatMap(part), [piece])
    }
    case 'Split': {
      const find = finderOf(fieldOf(component, 'pattern'), `${where}.pattern`)
      const behavior = behaviorOf(component, where)
      const invert = flagField(component, 'invert', false)
      return splitting((text) => splitAt(text, find, behavior, invert))
    }
    case 'ByteLevel': return byteLevel(flagField(component, 'add_prefix_space', true), flagField(component, 'use_regex', true))
    case 'Metaspace': return metaspace(component, where)
    case 'Whitespace': {
      const find = findPattern(String.raw`\w+|[^\w\s]+`, 'rust')
      return splitting((text) => splitAt(text, find, 'Removed', true))
    }
    case 'WhitespaceSplit': return splitting((text) => splitAt(text, findCharacters(whiteSpace), 'Removed'))
    case 'BertPreTokenizer': {
      const punctuation = punctuationTest()
      return splitting((text) => splitAt(text, findCharacters(whiteSpace), 'Removed').flatMap((word) => splitAt(word, findCharacters(punctuation), 'Isolated')))
    }
    case 'Punctuation': {
      const find = findCharacters(punctuationTest())
      const behavior = behaviorOf(component, where)
      return splitting((text) => splitAt(text, find, behavior))
    }
    case 'Digits': {
      const behavior = flagField(component, 'individual_digits', false) ? 'Isolated' : 'Contiguous'
      return splitting((text) => splitAt(text, findCharacters(property('N')), behavior))
    }
    case 'CharDelimiterSplit': {
      const delimiter = textField(component, 'delimiter', where).codePointAt(0)
      return splitting((text) => splitAt(text, findCharacters((codePoint) => codePoint === delimiter), 'Removed'))
    }
    case 'FixedLength': return fixedLength(component, where)
    default: throw unsupported(where, type)
  }
}

function splitting(split: (text: string) => string[]): PreTokenizer {
  return ({ text, first }) => {
    const parts = split(text)
    // whether the first part kept its place at the beginning
    return parts.map((part, k) => ({ text: part, first: first && k === 0 && text.startsWith(part) }))
  }
}

function byteLevel(addPrefixSpace: boolean, useRegex: boolean): PreTokenizer {
  const find = findPattern(GPT2_PATTERN)
  return ({ text, first }) => {
    const prefixed = addPrefixSpace && !text.startsWith(' ') ? ` ${text}` : text
    const parts = useRegex ? splitAt(prefixed, find, 'Isolated') : [prefixed]
    return parts.map((part, k) => ({ text: spell(utf8Of(part)), first: first && k === 0 }))
  }
}

function metaspace(component: JsonObject, where: string): PreTokenizer {
  const replacement = fieldOf(component, 'replacement') ?? '\u2581'
  if (typeof replacement !== 'string' || replacement === '') throw new TokenizerError('INVALID_FORMAT', `${where}.replacement: must be a character, got ${JSON.stringify(replacement)}`)
  const scheme = fieldOf(component, 'prepend_scheme') ?? (flagField(component, 'add_prefix_space', true) ? 'always' : 'never')
  if (scheme !== 'always' && scheme !== 'never' && scheme !== 'first') throw unsupported(`${where}.prepend_scheme`, scheme)
  const split = flagField(component, 'split', true)
  const find = findCharacters((codePoint) => codePoint === replacement.codePointAt(0))
  return ({ text, first }) => {
    let result = text.replaceAll(' ', replacement)
    if ((scheme === 'always' || (scheme === 'first' && first)) && !result.startsWith(replacement)) result = replacement + result
    return (split ? splitAt(result, find, 'MergedWithNext') : [result]).map((part, k) => ({ text: part, first: first && k === 0 }))
  }
}

function fixedLength(component: JsonObject, where: string): PreTokenizer {
  const length = fieldOf(component, 'length') ?? 5
  if (typeof length !== 'number' || !Number.isInteger(length) || length < 1) throw new TokenizerError('INVALID_FORMAT', `${where}.length: must be a whole number above 0, got ${JSON.stringify(length)}`)
  return splitting((text) => {
    const characters = [...text]
    const parts: string[] = []
    for (let k = 0; k < characters.length; k += length) parts.push(characters.slice(k, k + length).join(''))
    return parts
  })
}

function punctuationTest(): (codePoint: number) => boolean {
  const unicode = property('P')
  return (codePoint) => isAsciiPunctuation(codePoint) || unicode(codePoint)
}

function behaviorOf(component: JsonObject, where: string): SplitBehavior {
  const name = fieldOf(component, 'behavior') ?? 'Isolated'
  const behavior = SPLIT_BEHAVIORS.find((known) => known === name)
  if (behavior === undefined) throw unsupported(`${where}.behavior`, name)
  return behavior
}
