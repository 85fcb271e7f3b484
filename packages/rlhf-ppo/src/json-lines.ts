// JSON Lines with line numbers in every error. It knows nothing of what the rows mean; the readers of rows are in preference.ts and demonstration.ts.
import { DataError } from './errors.js'

/** One row: the fields of its object, and where it stood, counted from 1. */
export class Row {
  readonly line: number
  readonly #fields: ReadonlyMap<string, unknown>

  constructor(line: number, fields: object) {
    this.line = line
    this.#fields = new Map(Object.entries(fields))
  }

  has(name: string): boolean {
    return this.#fields.has(name)
  }

  /** The names of the fields, for messages. */
  get names(): string {
    return [...this.#fields.keys()].join(', ') || 'no fields'
  }

  /** A field that must be text with something in it. */
  text(name: string): string {
    const value = this.#fields.get(name)
    if (typeof value !== 'string') throw this.error(`"${name}" must be text, got ${describe(value)}${Array.isArray(value) ? '; render the messages to text first' : ''}`)
    if (value === '') throw this.error(`"${name}" must not be empty; remove the row`)
    return value
  }

  /** A field that must be a list. */
  list(name: string): readonly unknown[] {
    const value = this.#fields.get(name)
    if (!Array.isArray(value)) throw this.error(`"${name}" must be a list, got ${describe(value)}`)
    return value
  }

  /** A finite number, or undefined where the field is absent. */
  optionalNumber(name: string): number | undefined {
    const value = this.#fields.get(name)
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.error(`"${name}" must be a number, got ${describe(value)}`)
    return value
  }

  error(message: string): DataError {
    return new DataError(this.line, `line ${this.line}: ${message}`)
  }
}

/**
 * The rows of a JSON Lines text. A byte order mark, CRLF line ends and blank lines after the last row are accepted.
 *
 * @throws DataError with the line for a blank line between rows, what is not JSON, or not an object.
 */
export function parseJsonLines(text: string): Row[] {
  const lines = text.replace(/^\uFEFF/, '').trimEnd().split(/\r\n|\n|\r/)
  if (lines.length === 1 && lines[0] === '') throw new DataError(1, 'line 1: the file must hold at least one row, got nothing')
  return lines.map((line, i) => parseLine(line, i + 1))
}

function parseLine(line: string, number: number): Row {
  if (line.trim() === '') throw new DataError(number, `line ${number}: a row must not be empty; remove the line`)
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new DataError(number, `line ${number}: a row must be one JSON object, got ${quote(line)} (${cause instanceof Error ? cause.message : 'not JSON'})`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new DataError(number, `line ${number}: a row must be a JSON object, got ${describe(value)}`)
  return new Row(number, value)
}

const quote = (text: string): string => `"${text.length > 40 ? `${text.slice(0, 40)}…` : text}"`

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return quote(value)
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `a ${typeof value}`
}
