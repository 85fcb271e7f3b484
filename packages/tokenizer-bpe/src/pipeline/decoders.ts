// Hugging Face's decoders: how the tokens of ids become text.
import { type JsonObject, fieldOf, flagField, listOf, objectOf, textField } from '../formats/json.ts'
import { unspell } from '../text/byte-alphabet.ts'
import { textOf, utf8Of } from '../text/utf8.ts'
import { finderOf } from './finder.ts'
import { unsupported } from './unsupported.ts'

/** Rewrites a list of tokens; the text is what remains, joined. */
export type Decoder = (tokens: string[]) => string[]

/** The decoder of a component of tokenizer.json. Throws TokenizerError 'UNSUPPORTED_COMPONENT'. */
export function decoderOf(component: JsonObject, where = 'decoder'): Decoder {
  const type = textField(component, 'type', where)
  switch (type) {
    case 'Sequence': {
      const parts = listOf(fieldOf(component, 'decoders'), `${where}.decoders`).map((part, k) => decoderOf(objectOf(part, `${where}[${k}]`), `${where}[${k}]`))
      return (tokens) => parts.reduce((result, part) => part(result), tokens)
    }
    case 'ByteLevel': return byteLevel
    case 'ByteFallback': return byteFallback
    case 'Fuse': return (tokens) => [tokens.join('')]
    case 'WordPiece': return wordPiece(textOr(component, 'prefix', '##'), flagField(component, 'cleanup', true))
    case 'Metaspace': {
      const replacement = textOr(component, 'replacement', '\u2581')
      const scheme = fieldOf(component, 'prepend_scheme') ?? (flagField(component, 'add_prefix_space', true) ? 'always' : 'never')
      return (tokens) => tokens.map((token, k) => token.replaceAll(replacement, k === 0 && scheme !== 'never' ? '' : ' '))
    }
    case 'BPEDecoder': {
      const suffix = textOr(component, 'suffix', '</w>')
      return (tokens) => tokens.map((token, k) => token.replaceAll(suffix, k + 1 === tokens.length ? '' : ' '))
    }
    case 'Replace': {
      const find = finderOf(fieldOf(component, 'pattern'), `${where}.pattern`)
      const content = textField(component, 'content', where)
      return (tokens) => tokens.map((token) => {
        let result = ''
        let last = 0
        for (const { start, end } of find(token)) {
          result += token.slice(last, start) + content
          last = end
        }
        return result + token.slice(last)
      })
    }
    case 'Strip': return strip(textField(component, 'content', where), numberOr(component, 'start'), numberOr(component, 'stop'))
    case 'CTC': return ctc(textOr(component, 'pad_token', '<pad>'), textOr(component, 'word_delimiter_token', '|'), flagField(component, 'cleanup', true))
    default: throw unsupported(where, type)
  }
}

/** A token that is not spelled in the byte alphabet stands for its own text. */
function byteLevel(tokens: string[]): string[] {
  const parts = tokens.map((token) => unspell(token) ?? utf8Of(token))
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return [textOf(bytes)]
}

function byteFallback(tokens: string[]): string[] {
  const result: string[] = []
  let bytes: number[] = []
  const flush = (): void => {
    if (bytes.length === 0) return
    const text = textOf(Uint8Array.from(bytes))
    // bytes that are not UTF-8 are as many replacement characters, not fewer
    result.push(text.includes('\ufffd') && !isUtf8(bytes) ? '\ufffd'.repeat(bytes.length) : text)
    bytes = []
  }
  for (const token of tokens) {
    const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)
    if (hex !== null) bytes.push(Number.parseInt(hex[1], 16))
    else {
      flush()
      result.push(token)
    }
  }
  flush()
  return result
}

function isUtf8(bytes: number[]): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes))
    return true
  } catch {
    return false
  }
}

function wordPiece(prefix: string, cleanup: boolean): Decoder {
  return (tokens) => tokens.map((token, k) => {
    const text = k === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`
    return cleanup ? cleanUp(text) : text
  })
}

/** English punctuation without the spaces before it. */
function cleanUp(text: string): string {
  return [[' .', '.'], [' ?', '?'], [' !', '!'], [' ,', ','], [" ' ", "'"], [" n't", "n't"], [" 'm", "'m"], [' do not', " don't"], [" 's", "'s"], [" 've", "'ve"], [" 're", "'re"]]
    .reduce((result, [from, to]) => result.replaceAll(from, to), text)
}

function strip(content: string, start: number, stop: number): Decoder {
  return (tokens) => tokens.map((token) => {
    const characters = [...token]
    let from = 0
    while (from < start && characters[from] === content) from++
    let to = characters.length
    for (let k = 0; k < stop && to > 0 && characters[to - 1] === content; k++) to--
    return characters.slice(from, Math.max(from, to)).join('')
  })
}

function ctc(pad: string, delimiter: string, cleanup: boolean): Decoder {
  return (tokens) => tokens.filter((token, k) => token !== tokens[k - 1]).flatMap((token) => {
    const text = token.replaceAll(pad, '')
    const cleaned = cleanup ? cleanUp(text).replaceAll(delimiter, ' ') : text
    return cleaned === '' ? [] : [cleaned]
  })
}

function textOr(component: JsonObject, key: string, missing: string): string {
  const value = fieldOf(component, key)
  return typeof value === 'string' ? value : missing
}

function numberOr(component: JsonObject, key: string): number {
  const value = fieldOf(component, key)
  return typeof value === 'number' ? value : 0
}
