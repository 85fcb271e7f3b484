// A splitter for any pattern: the scanner of a known one, else a matcher that is slower but bounded.
import { cl100kSplitter, gpt2Splitter, o200kSplitter, qwen2Splitter } from './known.ts'
import { CL100K_PATTERN, GPT2_PATTERN, O200K_PATTERN, QWEN2_PATTERN } from './patterns.ts'
import { PatternMatcher } from './pattern/match.ts'
import { type PatternDialect, parsePattern } from './pattern/parse.ts'
import type { Splitter } from './splitter.ts'

// other spellings of the known patterns, with the same matches
const SPELLINGS = new Map<string, Splitter>([
  [GPT2_PATTERN, gpt2Splitter],
  [String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, gpt2Splitter],
  [CL100K_PATTERN, cl100kSplitter],
  [String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`, cl100kSplitter],
  [QWEN2_PATTERN, qwen2Splitter],
  [O200K_PATTERN, o200kSplitter],
])

/**
 * The splitter of a pattern in the syntax of tokenizer files. Text that the pattern does not match becomes pieces too.
 *
 * @throws TokenizerError 'UNSUPPORTED_PATTERN' at once; 'PATTERN_TOO_SLOW' later, when a text takes too many steps
 * @example
 * trainBpe(text, { vocabSize: 5000, splitter: splitterOf(String.raw`\p{L}+|\P{L}`) })
 */
export function splitterOf(pattern: string, dialect: PatternDialect = 'oniguruma'): Splitter {
  const known = SPELLINGS.get(pattern)
  if (known !== undefined) return known
  const matcher = new PatternMatcher(parsePattern(pattern, dialect), pattern)
  return {
    pattern,
    cuttable: false,
    begin(text) {
      matcher.begin(text)
      let unit = 0
      let waiting = 0   // end of a match that was found behind unmatched text, 0 for none
      return (_bytes, start) => {
        const from = unit
        if (waiting !== 0) {
          unit = waiting
          waiting = 0
        } else {
          const end = matcher.match(unit, unit)
          if (end > unit) unit = end
          else {
            // unmatched text up to the next match is a piece
            for (unit++; unit < text.length; unit++) {
              if ((text.charCodeAt(unit) & 0xfc00) === 0xdc00 && (text.charCodeAt(unit - 1) & 0xfc00) === 0xd800) continue
              const next = matcher.match(unit, from)
              if (next < 0) continue
              // an empty match ends the piece too
              waiting = next > unit ? next : 0
              break
            }
          }
        }
        return start + bytesBetween(text, from, unit)
      }
    },
  }
}

/** Bytes of UTF-8 of the units `from`…`to`; a lone surrogate has the three of U+FFFD. */
function bytesBetween(text: string, from: number, to: number): number {
  let bytes = 0
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    else {
      bytes += 3
      if ((unit & 0xfc00) === 0xd800 && at + 1 < to && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) {
        bytes += 1
        at++
      }
    }
  }
  return bytes
}
