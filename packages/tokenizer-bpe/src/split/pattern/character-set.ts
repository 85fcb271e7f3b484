// Sets of code points in a pattern: `\p{L}`, `[^\s\d]`, single characters. Letters, marks, numbers and white space come from the
// pinned table; other properties (scripts, finer categories) from the host's Unicode.
import { TokenizerError } from '../../errors.ts'
import { UNICODE_CLASS_RUNS } from '../../text/unicode-classes.generated.ts'
import { CLASS_OF, LETTER, LOWER, MARK, NUMBER, SPACE, provideClasses } from '../../text/unicode-classes.ts'

export type CharacterSet = (codePoint: number) => boolean

export const anyBut = (set: CharacterSet): CharacterSet => (codePoint) => !set(codePoint)
export const oneOf = (sets: readonly CharacterSet[]): CharacterSet => sets.length === 1 ? sets[0] : (codePoint) => sets.some((set) => set(codePoint))
export const allOf = (sets: readonly CharacterSet[]): CharacterSet => (codePoint) => sets.every((set) => set(codePoint))
export const range = (from: number, to: number): CharacterSet => (codePoint) => codePoint >= from && codePoint <= to
const classed = (flags: number): CharacterSet => {
  provideClasses(UNICODE_CLASS_RUNS)
  return (codePoint) => (CLASS_OF[codePoint] & flags) !== 0
}

export const whiteSpace = classed(SPACE)
export const anyCharacter: CharacterSet = () => true
export const notNewline: CharacterSet = (codePoint) => codePoint !== 10
const hexDigit = oneOf([range(0x30, 0x39), range(0x41, 0x46), range(0x61, 0x66)])

const pinned = new Map<string, CharacterSet>([
  ['L', classed(LETTER)], ['Letter', classed(LETTER)], ['Ll', classed(LOWER)],
  ['M', classed(MARK)], ['N', classed(NUMBER)], ['White_Space', whiteSpace],
])

const fromHost = new Map<string, CharacterSet>()

/** `\p{name}` and `\p{name=value}`; scripts may be named alone, as in Oniguruma and Rust. */
export function property(name: string): CharacterSet {
  const known = pinned.get(name) ?? fromHost.get(name)
  if (known !== undefined) return known
  const set = memoized(hostProperty(name))
  fromHost.set(name, set)
  return set
}

function hostProperty(name: string): RegExp {
  const plain = name.replace(/^Is/, '')
  for (const tried of [name, `Script=${plain}`, plain, ...(POSIX.has(name.toLowerCase()) ? [POSIX.get(name.toLowerCase()) ?? ''] : [])]) {
    if (!/^[A-Za-z_]+(=[A-Za-z_]+)?$/.test(tried)) continue
    try {
      return new RegExp(`\\p{${tried}}`, 'u')
    } catch {
      // not a name for the host: try the next spelling
    }
  }
  throw new TokenizerError('UNSUPPORTED_PATTERN', `pattern: properties must be known to Unicode, got \\p{${name}}`)
}

const POSIX = new Map([
  ['alpha', 'Alphabetic'], ['alnum', 'Alphabetic'], ['upper', 'Uppercase'], ['lower', 'Lowercase'], ['digit', 'Nd'], ['punct', 'P'], ['space', 'White_Space'], ['cntrl', 'Cc'],
])

/** `[:name:]` inside a class. */
export function posixClass(name: string): CharacterSet {
  if (name === 'alnum') return oneOf([property('Alphabetic'), property('Nd')])
  if (name === 'xdigit') return hexDigit
  if (name === 'word') return wordCharacter()
  if (name === 'blank') return oneOf([property('Zs'), range(9, 9)])
  const mapped = POSIX.get(name)
  if (mapped === undefined) throw new TokenizerError('UNSUPPORTED_PATTERN', `pattern: POSIX classes must be known, got [:${name}:]`)
  return property(mapped)
}

/** `\w` of Oniguruma, which takes the Latin-1 superscripts and fractions for word characters. */
export function wordCharacter(): CharacterSet {
  return oneOf([...wordSets(), range(0xb2, 0xb3), range(0xb9, 0xb9), range(0xbc, 0xbe)])
}

/** `\w` of Rust, as Unicode recommends it: with the joiners. */
export function rustWordCharacter(): CharacterSet {
  return oneOf([...wordSets(), range(0x200c, 0x200d)])
}

function wordSets(): CharacterSet[] {
  return [property('Alphabetic'), property('M'), property('Nd'), property('Pc')]
}

/** The set of a class escape such as `\s`; undefined for other letters. */
export function escapedSet(letter: string, word: () => CharacterSet): CharacterSet | undefined {
  switch (letter) {
    case 's': return whiteSpace
    case 'S': return anyBut(whiteSpace)
    case 'd': return property('Nd')
    case 'D': return anyBut(property('Nd'))
    case 'w': return word()
    case 'W': return anyBut(word())
    case 'h': return hexDigit
    case 'H': return anyBut(hexDigit)
    default: return undefined
  }
}

/** The set that `(?i:…)` makes of `set`: with the other cases of its characters, as Unicode folds them one to one. */
export function ignoringCase(set: CharacterSet): CharacterSet {
  return (codePoint) => set(codePoint) || caseVariants(codePoint).some(set)
}

function caseVariants(codePoint: number): number[] {
  const character = String.fromCodePoint(codePoint)
  const variants = [character.toLowerCase(), character.toUpperCase(), character.toUpperCase().toLowerCase(), character.toLowerCase().toUpperCase()]
  // what the host's case mappings do not lead to: long s, the Kelvin and the Angstrom sign
  if (character === 's' || character === 'S') variants.push('\u017f')
  if (character === 'k' || character === 'K') variants.push('\u212a')
  if (character === 'å' || character === 'Å') variants.push('\u212b')
  return variants.filter((variant) => [...variant].length === 1).map((variant) => variant.codePointAt(0) ?? 0)
}

/** Remembers for every code point what `pattern` said: 0 not asked, 1 no, 2 yes. */
function memoized(pattern: RegExp): CharacterSet {
  const answers = new Uint8Array(0x110000)
  return (codePoint) => {
    if (answers[codePoint] === 0) answers[codePoint] = pattern.test(String.fromCodePoint(codePoint)) ? 2 : 1
    return answers[codePoint] === 2
  }
}

/** The same set, quick for ASCII. */
export function tabled(set: CharacterSet): CharacterSet {
  const ascii = Uint8Array.from({ length: 128 }, (_, codePoint) => set(codePoint) ? 1 : 0)
  return (codePoint) => codePoint < 128 ? ascii[codePoint] === 1 : set(codePoint)
}
