// Tokens that are found in a text before anything else: special ones and others that were added to a vocabulary.
import { TokenizerError } from '../errors.ts'
import { type JsonObject, fieldOf, flagField, listOf, objectOf, textField } from '../formats/json.ts'
import { rustWordCharacter } from '../split/pattern/character-set.ts'
import { patternOf } from '../special-tokens.ts'

export interface AddedToken {
  id: number
  content: string
  special: boolean
  /** Found only where no word goes on to its left or right. */
  singleWord: boolean
  /** Takes the white space to its left with it. */
  lstrip: boolean
  rstrip: boolean
  /** Looked for in the normalized text. */
  normalized: boolean
}

/** The `added_tokens` of a tokenizer.json. */
export function addedTokensOf(file: JsonObject): AddedToken[] {
  return listOf(fieldOf(file, 'added_tokens') ?? [], 'added_tokens').map((entry, k) => {
    const where = `added_tokens[${k}]`
    const token = objectOf(entry, where)
    const id = fieldOf(token, 'id')
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0) throw new TokenizerError('INVALID_FORMAT', `${where}.id: must be a whole number from 0, got ${JSON.stringify(id)}`)
    const special = flagField(token, 'special', false)
    return {
      id, special,
      content: textField(token, 'content', where),
      singleWord: flagField(token, 'single_word', false),
      lstrip: flagField(token, 'lstrip', false),
      rstrip: flagField(token, 'rstrip', false),
      normalized: flagField(token, 'normalized', !special),
    }
  }).filter(({ content }) => content !== '')
}

/** A stretch of text between added tokens, or one of them. */
export interface AddedStretch {
  start: number
  end: number
  token: AddedToken | undefined
}

/** Cuts a text at the given tokens, the leftmost and longest first. `contents` are the texts to look for. */
export function splitAtAdded(text: string, tokens: ReadonlyMap<string, AddedToken>): AddedStretch[] {
  const pattern = patternOf(tokens.keys())
  const stretches: AddedStretch[] = []
  let last = 0
  if (pattern !== undefined) {
    const isWord = rustWordCharacter()
    for (const match of text.matchAll(pattern)) {
      const token = tokens.get(match[0])
      let start = match.index
      let end = start + match[0].length
      if (token === undefined || start < last) continue
      if (token.singleWord && (isWord(codePointBefore(text, start)) || isWord(text.codePointAt(end) ?? 0))) continue
      if (token.lstrip) while (start > last && /\p{White_Space}/u.test(text[start - 1])) start--
      if (token.rstrip) while (end < text.length && /\p{White_Space}/u.test(text[end])) end++
      if (start > last) stretches.push({ start: last, end: start, token: undefined })
      stretches.push({ start, end, token })
      last = end
    }
  }
  if (last < text.length) stretches.push({ start: last, end: text.length, token: undefined })
  return stretches
}

function codePointBefore(text: string, at: number): number {
  const low = text.charCodeAt(at - 1)
  return (low & 0xfc00) === 0xdc00 && at > 1 ? text.codePointAt(at - 2) ?? 0 : low || 0
}
