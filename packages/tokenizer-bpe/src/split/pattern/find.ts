// All matches of a pattern in a text, left to right, in UTF-16 units.
import { PatternMatcher } from './match.ts'
import { type PatternDialect, parsePattern } from './parse.ts'

export interface Span {
  start: number
  end: number
}

/** Finds the matches of something in a text. */
export type Finder = (text: string) => Span[]

export function findPattern(pattern: string, dialect: PatternDialect = 'oniguruma'): Finder {
  const matcher = new PatternMatcher(parsePattern(pattern, dialect), pattern)
  return (text) => {
    matcher.begin(text)
    const spans: Span[] = []
    let searchStart = 0
    for (let at = 0; at <= text.length;) {
      const end = matcher.match(at, searchStart)
      if (end >= 0) {
        spans.push({ start: at, end })
        searchStart = end
      }
      at = end > at ? end : at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1)
    }
    return spans
  }
}

export function findText(wanted: string): Finder {
  return (text) => {
    const spans: Span[] = []
    if (wanted === '') return spans
    for (let start = text.indexOf(wanted); start >= 0; start = text.indexOf(wanted, start + wanted.length)) spans.push({ start, end: start + wanted.length })
    return spans
  }
}

/** Single characters that satisfy a test. */
export function findCharacters(test: (codePoint: number) => boolean): Finder {
  return (text) => {
    const spans: Span[] = []
    for (let start = 0; start < text.length;) {
      const codePoint = text.codePointAt(start) ?? 0
      const end = start + (codePoint > 0xffff ? 2 : 1)
      if (test(codePoint)) spans.push({ start, end })
      start = end
    }
    return spans
  }
}
