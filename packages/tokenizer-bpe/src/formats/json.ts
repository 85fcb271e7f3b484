// Reading JSON that came from anywhere. Fields are read as own properties only, so that a key `__proto__` is a key like any other.
import { TokenizerError } from '../errors.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** Deeper than any tokenizer's file; what is read is also walked by functions that call themselves. */
const DEEPEST = 200

/** Counts open brackets outside of texts, without building anything. */
function depthOf(json: string): number {
  let depth = 0
  let deepest = 0
  let inText = false
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (inText) {
      if (character === '\\') i++
      else if (character === '"') inText = false
    } else if (character === '"') inText = true
    else if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth)
    else if (character === '}' || character === ']') depth--
  }
  return deepest
}

export function parseJson(text: string, where: string): unknown {
  const depth = depthOf(text)
  if (depth > DEEPEST) throw new TokenizerError('INVALID_FORMAT', `${where}: must be nested at most ${DEEPEST} deep, got ${depth}`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new TokenizerError('INVALID_FORMAT', `${where}: must be JSON, got ${error instanceof Error ? error.message : String(error)}`)
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function fieldOf(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

export function objectOf(value: unknown, where: string): JsonObject {
  if (!isObject(value)) throw wrong(where, 'an object', value)
  return value
}

export function listOf(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw wrong(where, 'a list', value)
  return value
}

export function textField(object: JsonObject, key: string, where: string): string {
  const value = fieldOf(object, key)
  if (typeof value !== 'string') throw wrong(`${where}.${key}`, 'a text', value)
  return value
}

/** A yes or no; `missing` if there is none. */
export function flagField(object: JsonObject, key: string, missing: boolean): boolean {
  const value = fieldOf(object, key)
  return typeof value === 'boolean' ? value : missing
}

/** The entries of an object of ids by token; ids are whole numbers, each once. */
export function entriesOf(object: JsonObject, where: string): [string, number][] {
  const seen = new Set<number>()
  const entries: [string, number][] = []
  for (const [token, id] of Object.entries(object)) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > MAX_ID) throw wrong(`${where}[${JSON.stringify(token)}]`, `a whole number from 0 to ${MAX_ID}`, id)
    if (seen.has(id)) throw wrong(`${where}[${JSON.stringify(token)}]`, 'an id that no other token has', id)
    seen.add(id)
    entries.push([token, id])
  }
  return entries
}

/** Larger ids would only make tables that fill the memory. */
const MAX_ID = 2 ** 24 - 1

function wrong(where: string, what: string, value: unknown): TokenizerError {
  const shown = JSON.stringify(value) ?? 'nothing'
  return new TokenizerError('INVALID_FORMAT', `${where}: must be ${what}, got ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}`)
}
