// Hugging Face's normalizers: what happens to a text before it is cut.
import { type JsonObject, fieldOf, flagField, listOf, objectOf, textField } from '../formats/json.ts'
import { spell } from '../text/byte-alphabet.ts'
import { utf8Of } from '../text/utf8.ts'
import { base64Bytes } from '../formats/base64.ts'
import { bertNormalizer, lowerCase } from './bert-normalizer.ts'
import { finderOf } from './finder.ts'
import { PrecompiledRules, precompiledNormalizer } from './precompiled.ts'
import { unsupported } from './unsupported.ts'

export type Normalizer = (text: string) => string

const WHITE_SPACE = String.raw`\p{White_Space}`

/** The normalizer of a component of tokenizer.json. Throws TokenizerError 'UNSUPPORTED_COMPONENT'. */
export function normalizerOf(component: JsonObject, where = 'normalizer'): Normalizer {
  const type = textField(component, 'type', where)
  switch (type) {
    case 'Sequence': {
      const parts = listOf(fieldOf(component, 'normalizers'), `${where}.normalizers`).map((part, k) => normalizerOf(objectOf(part, `${where}[${k}]`), `${where}[${k}]`))
      return (text) => parts.reduce((result, part) => part(result), text)
    }
    case 'NFC': case 'NFD': case 'NFKC': case 'NFKD': return (text) => text.normalize(type)
    case 'Lowercase': return lowerCase
    case 'StripAccents': return (text) => text.replace(/\p{M}/gu, '')   // BERT's own takes \p{Mn} only
    case 'Strip': {
      const left = new RegExp(`^${WHITE_SPACE}+`, 'u')
      const right = new RegExp(`${WHITE_SPACE}+$`, 'u')
      const strips = [...flagField(component, 'strip_left', false) ? [left] : [], ...flagField(component, 'strip_right', false) ? [right] : []]
      return (text) => strips.reduce((result, pattern) => result.replace(pattern, ''), text)
    }
    case 'Prepend': {
      const prefix = textField(component, 'prepend', where)
      return (text) => text === '' ? '' : prefix + text
    }
    case 'Replace': {
      const find = finderOf(fieldOf(component, 'pattern'), `${where}.pattern`)
      const content = textField(component, 'content', where)
      return (text) => {
        let result = ''
        let last = 0
        for (const { start, end } of find(text)) {
          result += text.slice(last, start) + content
          last = end
        }
        return result + text.slice(last)
      }
    }
    case 'BertNormalizer': {
      const stripAccents = fieldOf(component, 'strip_accents')
      return bertNormalizer({
        cleanText: flagField(component, 'clean_text', true),
        handleChineseChars: flagField(component, 'handle_chinese_chars', true),
        stripAccents: typeof stripAccents === 'boolean' ? stripAccents : null,
        lowercase: flagField(component, 'lowercase', true),
      })
    }
    case 'Nmt': return nmt
    case 'ByteLevel': return (text) => spell(utf8Of(text))
    case 'Precompiled': {
      const blob = fieldOf(component, 'precompiled_charsmap')
      return typeof blob === 'string' && blob !== '' ? precompiledNormalizer(new PrecompiledRules(base64Bytes(blob, where))) : (text) => text
    }
    default: throw unsupported(where, type)
  }
}

/** The clean-up of neural machine translation: control characters out, every kind of space a space. */
function nmt(text: string): string {
  return text
    .replace(/[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g, '')
    .replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, ' ')
}
