// JSON from files that nobody vouches for: duplicate keys and `__proto__` are refused, depth and size are limited. JSON.parse alone keeps the last
// of two equal keys and can set a prototype. A small recursive-descent reader; numbers and strings are left to JSON.parse.
import { CheckpointError } from '../errors.js'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
/** A Map, so that no key can have a meaning of its own. */
export type JsonObject = ReadonlyMap<string, Json>

const token = /[ \t\n\r]*([{}[\]:,]|"[^"\\\u0000-\u001f]*(?:\\.[^"\\\u0000-\u001f]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y
const MAX_DEPTH = 64

/**
 * @param where what the text is, for messages: `model.safetensors header`.
 * @throws CheckpointError `json` (not JSON), `duplicate-key` or `forbidden-key`, with the offset.
 */
export function parseJson(where: string, text: string): Json {
  let at = 0
  const fail = (code: string, message: string): never => {
    throw new CheckpointError(code, `${where}: ${message} at character ${at}`)
  }
  const next = (): string => {
    token.lastIndex = at
    const match = token.exec(text)
    if (match === null) return fail('json', `JSON is expected, got ${at >= text.trimEnd().length ? 'the end' : JSON.stringify(text.slice(at, at + 12))}`)
    at = token.lastIndex
    return match[1]
  }
  const value = (found: string, depth: number): Json => {
    if (depth > MAX_DEPTH) return fail('json', `at most ${MAX_DEPTH} levels may be nested, got more`)
    if (found === '{') return object(depth)
    if (found === '[') return list(depth)
    if ('}]:,'.includes(found)) return fail('json', `a value is expected, got '${found}'`)
    return scalar(found)
  }
  const scalar = (found: string): Json => {
    try {
      const parsed: unknown = JSON.parse(found)
      if (parsed === null || typeof parsed === 'boolean' || typeof parsed === 'number' || typeof parsed === 'string') return parsed
    } catch {
      // a string with a bad escape: reported below
    }
    return fail('json', `a value is expected, got ${found.slice(0, 40)}`)
  }
  const list = (depth: number): Json => {
    const items: Json[] = []
    for (let found = next(); found !== ']'; found = next()) {
      if (items.length > 0) found = found === ',' ? next() : fail('json', `',' or ']' is expected, got '${found}'`)
      items.push(value(found, depth + 1))
    }
    return items
  }
  const object = (depth: number): Json => {
    const entries = new Map<string, Json>()
    for (let found = next(); found !== '}'; found = next()) {
      if (entries.size > 0) found = found === ',' ? next() : fail('json', `',' or '}' is expected, got '${found}'`)
      const key = scalar(found)
      if (typeof key !== 'string') return fail('json', `a key is expected, got ${found.slice(0, 40)}`)
      if (key === '__proto__' || key === 'constructor' || key.includes('\0')) return fail('forbidden-key', `keys must not be __proto__ or constructor or hold NUL, got ${JSON.stringify(key)}`)
      if (entries.has(key)) return fail('duplicate-key', `keys must be unique, got ${JSON.stringify(key)} twice`)
      if (next() !== ':') return fail('json', `':' is expected after ${JSON.stringify(key)}`)
      entries.set(key, value(next(), depth + 1))
    }
    return entries
  }
  const result = value(next(), 0)
  if (text.slice(at).trim() !== '') return fail('json', 'nothing may follow the value, got more')
  return result
}

export const isJsonObject = (value: Json | undefined): value is JsonObject => value instanceof Map
