// JSON from files that nobody vouches for: duplicate keys and `__proto__` are refused, depth is limited. JSON.parse alone keeps the last of two equal
// keys and can set a prototype. A small recursive-descent reader; numbers and strings with escapes are left to JSON.parse.
import { CheckpointError } from '../errors.js'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
/** A Map, so that no key can have a meaning of its own. */
export type JsonObject = ReadonlyMap<string, Json>

const MAX_DEPTH = 64
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** The string's inside when it holds neither escapes nor control characters: nearly always. */
const plainString = /[^"\\\u0000-\u001f]*"/y
const anyString = /[^"\\\u0000-\u001f]*(?:\\.[^"\\\u0000-\u001f]*)*"/y
const words: readonly (readonly [string, Json])[] = [['true', true], ['false', false], ['null', null]]

/**
 * @param where what the text is, for messages: `model.safetensors: header`
 * @throws CheckpointError `json` (not JSON), `duplicate-key` or `forbidden-key`, with the place
 */
export function parseJson(where: string, text: string): Json {
  return new Reader(where, text).read()
}

export const isJsonObject = (value: Json | undefined): value is JsonObject => value instanceof Map

class Reader {
  readonly #where: string
  readonly #text: string
  #at = 0

  constructor(where: string, text: string) {
    this.#where = where
    this.#text = text
  }

  read(): Json {
    const value = this.#value(0)
    if (this.#peek() !== '') this.#fail('json', 'nothing may follow the value, got more')
    return value
  }

  #fail(code: string, message: string): never {
    throw new CheckpointError(code, `${this.#where}: ${message} at character ${this.#at}`)
  }

  /** The next character that is no white space; '' at the end. */
  #peek(): string {
    const text = this.#text
    for (; this.#at < text.length; this.#at++) {
      const code = text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return text[this.#at]
    }
    return ''
  }

  #expect(character: string): void {
    if (this.#peek() !== character) this.#fail('json', `'${character}' is expected, got ${this.#found()}`)
    this.#at++
  }

  #found(): string {
    return this.#at >= this.#text.length ? 'the end' : JSON.stringify(this.#text.slice(this.#at, this.#at + 12))
  }

  #value(depth: number): Json {
    if (depth > MAX_DEPTH) this.#fail('json', `at most ${MAX_DEPTH} levels may be nested, got more`)
    const first = this.#peek()
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#list(depth)
    if (first === '"') return this.#string()
    const word = words.find(([name]) => this.#text.startsWith(name, this.#at))
    if (word !== undefined) {
      this.#at += word[0].length
      return word[1]
    }
    number.lastIndex = this.#at
    const digits = number.exec(this.#text)
    if (digits === null) return this.#fail('json', `JSON is expected, got ${this.#found()}`)
    this.#at = number.lastIndex
    return Number(digits[0])
  }

  #string(): string {
    const start = this.#at
    plainString.lastIndex = start + 1
    if (plainString.test(this.#text)) {
      this.#at = plainString.lastIndex
      return this.#text.slice(start + 1, this.#at - 1)
    }
    anyString.lastIndex = start + 1
    if (!anyString.test(this.#text)) return this.#fail('json', 'a string must end, and must not hold control characters')
    try {
      const value: unknown = JSON.parse(this.#text.slice(start, anyString.lastIndex))
      this.#at = anyString.lastIndex
      if (typeof value === 'string') return value
    } catch {
      // a bad escape: reported below
    }
    return this.#fail('json', 'a string must have known escapes only')
  }

  #list(depth: number): Json {
    const items: Json[] = []
    this.#at++
    if (this.#peek() !== ']')
      for (;;) {
        items.push(this.#value(depth + 1))
        if (this.#peek() === ']') break
        this.#expect(',')
      }
    this.#at++
    return items
  }

  #object(depth: number): Json {
    const entries = new Map<string, Json>()
    this.#at++
    if (this.#peek() !== '}')
      for (;;) {
        if (this.#peek() !== '"') this.#fail('json', `a key is expected, got ${this.#found()}`)
        const key = this.#string()
        if (key === '__proto__' || key === 'constructor' || key.includes('\0')) this.#fail('forbidden-key', `keys must not be __proto__ or constructor or hold NUL, got ${JSON.stringify(key)}`)
        if (entries.has(key)) this.#fail('duplicate-key', `keys must be unique, got ${JSON.stringify(key)} twice`)
        this.#expect(':')
        entries.set(key, this.#value(depth + 1))
        if (this.#peek() === '}') break
        this.#expect(',')
      }
    this.#at++
    return entries
  }
}
