// The regular expression syntax that tokenizer files use (Oniguruma's and Rust's), into a tree. Without captures: a pattern
// here only says where a match ends. Back references and conditions are refused.
import { TokenizerError } from '../../errors.ts'
import {
  type CharacterSet, allOf, anyBut, anyCharacter, escapedSet, ignoringCase, notNewline, oneOf, posixClass, property, range, rustWordCharacter, tabled, wordCharacter,
} from './character-set.ts'
import type { PatternNode } from './node.ts'

/** More copies of a part than this are a mistake or an attack. */
const MAX_REPEAT = 1000

/** Oniguruma reads `{1,3}+` as a repeat of a repeat and `$` as a line's end, Rust as possessive and the text's end; `\w` differs too. */
export type PatternDialect = 'oniguruma' | 'rust'

export function parsePattern(pattern: string, dialect: PatternDialect): PatternNode {
  return new Parser(pattern, dialect).parse()
}

interface Flags {
  ignoreCase: boolean
  dotAll: boolean
  extended: boolean
}

const CONTROL: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7, e: 27, 0: 0 }

class Parser {
  readonly #pattern: string
  readonly #oniguruma: boolean
  readonly #characters: string[]
  #at = 0
  #depth = 0
  #flags: Flags = { ignoreCase: false, dotAll: false, extended: false }

  constructor(pattern: string, dialect: PatternDialect) {
    this.#pattern = pattern
    this.#oniguruma = dialect === 'oniguruma'
    this.#characters = [...pattern]
  }

  parse(): PatternNode {
    const node = this.#choice()
    if (this.#at < this.#characters.length) throw this.#wrong('balanced parentheses')
    return node
  }

  #choice(): PatternNode {
    if (++this.#depth > 200) throw this.#wrong('at most 200 nested groups')
    const flags = this.#flags
    const items = [this.#sequence()]
    while (this.#take('|')) items.push(this.#sequence())
    this.#flags = flags
    this.#depth--
    return items.length === 1 ? items[0] : { kind: 'choice', items }
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = []
    while (this.#at < this.#characters.length && this.#peek() !== '|' && this.#peek() !== ')') {
      if (this.#flags.extended && this.#skipExtended()) continue
      const atom = this.#atom()
      if (atom !== undefined) items.push(this.#quantified(atom))
    }
    return items.length === 1 ? items[0] : { kind: 'sequence', items }
  }

  #atom(): PatternNode | undefined {
    const character = this.#next()
    switch (character) {
      case '(': return this.#group()
      case '[': return this.#set(this.#class())
      case '.': return this.#set(this.#flags.dotAll ? anyCharacter : notNewline)
      case '^': return { kind: 'edge', edge: this.#oniguruma ? 'line-start' : 'start' }
      case '$': return { kind: 'edge', edge: this.#oniguruma ? 'line-end' : 'end' }
      case '\\': return this.#escape()
      case '*': case '+': case '?': throw this.#wrong('something to repeat before a quantifier')
      default: return this.#literal(character.codePointAt(0) ?? 0)
    }
  }

  #group(): PatternNode | undefined {
    if (!this.#take('?')) return this.#closed(this.#choice())
    if (this.#take(':')) return this.#closed(this.#choice())
    if (this.#take('>')) return { kind: 'atomic', item: this.#closed(this.#choice()) }
    if (this.#take('=')) return { kind: 'look', item: this.#closed(this.#choice()), behind: false, negated: false }
    if (this.#take('!')) return { kind: 'look', item: this.#closed(this.#choice()), behind: false, negated: true }
    if (this.#take('<=')) return { kind: 'look', item: this.#closed(this.#choice()), behind: true, negated: false }
    if (this.#take('<!')) return { kind: 'look', item: this.#closed(this.#choice()), behind: true, negated: true }
    if (this.#take('#')) {
      while (this.#next() !== ')');
      return undefined
    }
    if (this.#take('P<') || this.#take('<')) {
      while (this.#next() !== '>');
      return this.#closed(this.#choice())
    }
    return this.#flagGroup()
  }

  /** `(?i:…)`, `(?i)`, `(?-i:…)`. */
  #flagGroup(): PatternNode | undefined {
    const before = this.#flags
    const flags = { ...before }
    let value = true
    for (;;) {
      const letter = this.#next()
      if (letter === '-') value = false
      else if (letter === 'i') flags.ignoreCase = value
      else if (letter === 's' || letter === 'm') flags.dotAll = value   // Ruby's m is everyone else's s
      else if (letter === 'x') flags.extended = value
      else if (letter === 'u') continue
      else if (letter === ')') {
        this.#flags = flags
        return undefined
      } else if (letter === ':') {
        this.#flags = flags
        const node = this.#closed(this.#choice())
        this.#flags = before
        return node
      } else throw this.#wrong('a known group')
    }
  }

  #closed(node: PatternNode): PatternNode {
    if (!this.#take(')')) throw this.#wrong('balanced parentheses')
    return node
  }

  #quantified(atom: PatternNode): PatternNode {
    let node = atom
    for (;;) {
      let min = 0
      let max = Infinity
      let counted = false
      if (this.#take('*')) min = 0
      else if (this.#take('+')) min = 1
      else if (this.#take('?')) max = 1
      else {
        const bounds = /^\{(\d*)(,?)(\d*)\}/.exec(this.#characters.slice(this.#at, this.#at + 24).join(''))
        if (bounds === null || (bounds[1] === '' && bounds[3] === '')) return node
        this.#at += bounds[0].length
        min = bounds[1] === '' ? 0 : Number(bounds[1])
        max = bounds[2] === '' ? min : bounds[3] === '' ? Infinity : Number(bounds[3])
        counted = true
        if (min > max || min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT)) throw this.#wrong(`repeat counts in order and up to ${MAX_REPEAT}`)
      }
      const possessive = !(counted && this.#oniguruma) && this.#take('+')
      const mode = possessive ? 'possessive' : this.#take('?') ? 'lazy' : 'greedy'
      node = { kind: 'repeat', item: node, min, max, mode }
    }
  }

  #escape(): PatternNode {
    const letter = this.#next()
    switch (letter) {
      case 'b': return { kind: 'edge', edge: 'word' }
      case 'B': return { kind: 'edge', edge: 'not-word' }
      case 'A': return { kind: 'edge', edge: 'start' }
      case 'z': return { kind: 'edge', edge: 'end' }
      case 'Z': return { kind: 'edge', edge: 'last-line-end' }
      case 'G': return { kind: 'edge', edge: 'search-start' }
      case 'R': return { kind: 'choice', items: [this.#text('\r\n'), this.#set(oneOf([range(10, 13), range(0x85, 0x85), range(0x2028, 0x2029)]))] }
      case 'K': case 'X': case 'k': case 'g': throw this.#wrong('no back references and no \\K \\X')
      default: {
        if (/[1-9]/.test(letter)) throw this.#wrong('no back references')
        const set = this.#escapedSet(letter)
        return set === undefined ? this.#literal(this.#escapedCharacter(letter)) : this.#set(set)
      }
    }
  }

  #escapedSet(letter: string): CharacterSet | undefined {
    if (letter !== 'p' && letter !== 'P') return escapedSet(letter, this.#oniguruma ? wordCharacter : rustWordCharacter)
    let name = this.#next()
    if (name === '{') {
      name = ''
      for (let character = this.#next(); character !== '}'; character = this.#next()) name += character
    }
    const inverted = name.startsWith('^')
    const set = property(inverted ? name.slice(1) : name)
    return (letter === 'P') !== inverted ? anyBut(set) : set
  }

  #escapedCharacter(letter: string): number {
    if (letter === 'x' || letter === 'u' || letter === 'U') {
      let digits = ''
      if (this.#take('{')) for (let character = this.#next(); character !== '}'; character = this.#next()) digits += character
      else for (const length = letter === 'x' ? 2 : letter === 'u' ? 4 : 8; digits.length < length;) digits += this.#next()
      const codePoint = Number.parseInt(digits, 16)
      if (!/^[0-9a-fA-F]+$/.test(digits) || codePoint > 0x10ffff) throw this.#wrong('hexadecimal code points')
      return codePoint
    }
    if (Object.hasOwn(CONTROL, letter)) return CONTROL[letter]
    if (/[A-Za-z]/.test(letter)) throw this.#wrong(`escapes that are known, not \\${letter}`)
    return letter.codePointAt(0) ?? 0
  }

  /** A class after its `[`, with nested classes and `&&`. */
  #class(): CharacterSet {
    if (++this.#depth > 200) throw this.#wrong('at most 200 nested classes')
    const negated = this.#take('^')
    const intersected: CharacterSet[] = []
    let sets: CharacterSet[] = []
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      if (this.#take('&&')) {
        intersected.push(oneOf(sets))
        sets = []
        continue
      }
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.#characters.slice(this.#at, this.#at + 14).join(''))
      if (posix !== null) {
        this.#at += posix[0].length
        sets.push(posix[1] === '^' ? anyBut(posixClass(posix[2])) : posixClass(posix[2]))
      } else if (this.#take('[')) sets.push(this.#class())
      else sets.push(this.#classItem())
    }
    this.#at++
    this.#depth--
    const set = allOf([...intersected, oneOf(sets)])
    const folded = this.#flags.ignoreCase ? ignoringCase(set) : set
    return negated ? anyBut(folded) : folded
  }

  #classItem(): CharacterSet {
    const from = this.#classCharacter()
    if (typeof from !== 'number') return from
    // a hyphen before the end of the class, or before an escape that is a set, is a hyphen
    if (this.#peek() !== '-' || this.#characters[this.#at + 1] === ']' || this.#characters[this.#at + 1] === undefined) return range(from, from)
    const hyphen = this.#at
    this.#at++
    const to = this.#peek() === '[' ? undefined : this.#classCharacter()
    if (typeof to === 'number') {
      if (to < from) throw this.#wrong('ranges in order')
      return range(from, to)
    }
    this.#at = hyphen
    return range(from, from)
  }

  #classCharacter(): number | CharacterSet {
    const character = this.#next()
    if (character !== '\\') return character.codePointAt(0) ?? 0
    const letter = this.#next()
    if (letter === 'b') return 8
    return this.#escapedSet(letter) ?? this.#escapedCharacter(letter)
  }

  #literal(codePoint: number): PatternNode {
    return this.#set(range(codePoint, codePoint))
  }

  #text(text: string): PatternNode {
    return { kind: 'sequence', items: [...text].map((character) => this.#literal(character.codePointAt(0) ?? 0)) }
  }

  #set(set: CharacterSet): PatternNode {
    return { kind: 'set', set: tabled(this.#flags.ignoreCase ? ignoringCase(set) : set) }
  }

  #skipExtended(): boolean {
    if (/\s/.test(this.#peek() ?? '')) {
      this.#at++
      return true
    }
    if (this.#peek() !== '#') return false
    while (this.#at < this.#characters.length && this.#characters[this.#at] !== '\n') this.#at++
    return true
  }

  #peek(): string | undefined {
    return this.#characters[this.#at]
  }

  #next(): string {
    const character = this.#characters[this.#at++]
    if (character === undefined) throw this.#wrong('an end after everything that was opened')
    return character
  }

  #take(text: string): boolean {
    for (let k = 0; k < text.length; k++) if (this.#characters[this.#at + k] !== text[k]) return false
    this.#at += text.length
    return true
  }

  #wrong(what: string): TokenizerError {
    const shown = this.#pattern.length > 80 ? `${this.#pattern.slice(0, 80)}…` : this.#pattern
    return new TokenizerError('UNSUPPORTED_PATTERN', `pattern: must have ${what}, got ${shown} (character ${this.#at})`)
  }
}
