// The class of every code point, as the scanners see it. Pinned to one Unicode version: the host's `\p{L}` would split
// the same text differently on different machines. The classes themselves come from unicode-classes.generated.ts, or with a
// compact vocabulary, which brings those it was made with: so the small entry need not carry them.

export const SPACE = 1      // \s: the property White_Space, not JavaScript's \s
export const NEWLINE = 2    // \r and \n; always together with SPACE
export const NUMBER = 4     // \p{N}
export const UPPER = 8      // \p{Lu} \p{Lt}
export const LOWER = 16     // \p{Ll}
export const UNCASED = 32   // \p{Lm} \p{Lo}
export const MARK = 64      // \p{M}; always together with OTHER
export const OTHER = 128    // [^\s\p{L}\p{N}]
export const LETTER = UPPER | LOWER | UNCASED

/** Class flags by code point; all 0 until `provideClasses`. */
export const CLASS_OF = /* @__PURE__ */ new Uint8Array(0x110000)

/** Fills the classes from packed runs, the first time. */
export function provideClasses(packed: string): void {
  if (CLASS_OF[0] !== 0) return
  const flags = [OTHER, LOWER, UPPER, UNCASED, MARK | OTHER, NUMBER, SPACE]
  CLASS_OF.fill(OTHER)
  let codePoint = 0
  for (const [, letter, digits] of packed.matchAll(/([A-H])([0-9a-z]*)/g)) {
    const end = codePoint + (digits === '' ? 1 : parseInt(digits, 36))
    const value = letter.charCodeAt(0) - 65
    if (value < 7) CLASS_OF.fill(flags[value], codePoint, end)
    else for (let at = codePoint; at < end; at++) CLASS_OF[at] = (at - codePoint) & 1 ? LOWER : UPPER
    codePoint = end
  }
  CLASS_OF[10] = CLASS_OF[13] = SPACE | NEWLINE
}
