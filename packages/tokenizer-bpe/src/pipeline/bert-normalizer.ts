// BERT's clean-up of text before WordPiece: control characters out, Chinese characters apart, accents off, lower case.

export interface BertNormalizerOptions {
  cleanText: boolean
  handleChineseChars: boolean
  /** Default: as lowercase says. */
  stripAccents: boolean | null
  lowercase: boolean
}

export function bertNormalizer({ cleanText, handleChineseChars, stripAccents, lowercase }: BertNormalizerOptions): (text: string) => string {
  return (text) => {
    let result = text
    if (cleanText) {
      result = result.replace(/[\p{Cc}\p{Cf}\p{Co}\ufffd]/gu, (character) => /[\t\n\r]/.test(character) ? ' ' : '').replace(/\p{White_Space}/gu, ' ')
    }
    if (handleChineseChars) result = result.replace(CHINESE, ' $& ')
    if (stripAccents ?? lowercase) result = result.normalize('NFD').replace(/\p{Mn}/gu, '')
    return lowercase ? lowerCase(result) : result
  }
}

// the CJK blocks of BERT's own tokenizer: without kana and hangul
const CHINESE = /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu

/** Lower case character by character: a final sigma does not depend on its neighbours here. */
export function lowerCase(text: string): string {
  return text.includes('\u03a3') ? text.replace(/[^\u03a3]+|\u03a3/gu, (part) => part === '\u03a3' ? '\u03c3' : part.toLowerCase()) : text.toLowerCase()
}
