// Many texts as one rectangle of ids, as a model wants them.
import { TokenizerError } from '../errors.ts'
import type { EncodeOptions, Tokenizer } from '../tokenizer.ts'

export interface BatchOptions extends EncodeOptions {
  /** Rows are cut to this many ids. Default: not cut. */
  maxLength?: number
  /** Which end of a row is cut. Default 'right'. */
  truncationSide?: 'left' | 'right'
  /** How long rows become: as the longest, or this many ids. Default 'longest'. */
  padTo?: 'longest' | number
  /** The row's length is rounded up to a multiple of this. Default 1. */
  padToMultipleOf?: number
  /** On which side rows are padded. Default 'right'. */
  paddingSide?: 'left' | 'right'
  /** The id to pad with; needed as soon as rows differ in length. */
  padId?: number
}

export interface Batch {
  /** Ids, row after row: (rows, columns). */
  ids: Uint32Array
  /** 1 for an id of the text, 0 for padding: (rows, columns). */
  attentionMask: Uint8Array
  rows: number
  columns: number
}

/**
 * Encodes texts into one padded rectangle.
 *
 * @example
 * const { ids, attentionMask, rows, columns } = encodeBatch(tokenizer, texts, { maxLength: 128, padId: 0 })
 */
export function encodeBatch(tokenizer: Tokenizer, texts: Iterable<string>, options: BatchOptions = {}): Batch {
  const encoded: Uint32Array[] = []
  for (const text of texts) encoded.push(tokenizer.encode(text, options))
  return padBatch(encoded, options)
}

/** Cuts and pads rows of ids into one rectangle. */
export function padBatch(encoded: readonly Uint32Array[], options: BatchOptions = {}): Batch {
  const { maxLength = Infinity, truncationSide = 'right', padTo = 'longest', padToMultipleOf = 1, paddingSide = 'right', padId } = options
  const rows = encoded.map((ids) => ids.length <= maxLength ? ids : truncationSide === 'right' ? ids.subarray(0, maxLength) : ids.subarray(ids.length - maxLength))
  let columns = 0
  for (const row of rows) columns = Math.max(columns, row.length)
  if (padTo !== 'longest') {
    if (columns > padTo) throw new TokenizerError('INVALID_OPTION', `encodeBatch: rows must fit padTo, got ${columns} ids for padTo ${padTo}; set maxLength to ${padTo}`)
    columns = padTo
  }
  columns = Math.ceil(columns / padToMultipleOf) * padToMultipleOf
  const ids = new Uint32Array(rows.length * columns)
  const attentionMask = new Uint8Array(rows.length * columns)
  for (const [row, values] of rows.entries()) {
    if (values.length < columns && padId === undefined) {
      throw new TokenizerError('INVALID_OPTION', `encodeBatch: padId must be given when rows differ in length, got rows of ${values.length} and ${columns} ids`)
    }
    const start = row * columns
    const from = start + (paddingSide === 'right' ? 0 : columns - values.length)
    ids.fill(padId ?? 0, start, start + columns)
    ids.set(values, from)
    attentionMask.fill(1, from, from + values.length)
  }
  return { ids, attentionMask, rows: rows.length, columns }
}
