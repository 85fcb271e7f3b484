// Which rows fit a model: those longer than its context are left out, and that is said.
import { Failure } from '../failure.js'
import type { Terminal } from '../terminal/terminal.js'

/** @throws Failure `input` when no row fits. */
export function fitting<T>(rows: readonly T[], lengthOf: (row: T) => number, { context, terminal, remedy = 'give shorter ones' }: { context: number; terminal: Terminal; remedy?: string }): T[] {
  const kept = rows.filter(row => lengthOf(row) <= context)
  if (kept.length === 0) throw new Failure('input', `rows: at least one row must fit the model's context of ${context} tokens, got ${rows.length} rows that are longer; ${remedy}, or a model with a longer context`)
  if (kept.length < rows.length) terminal.line(`  ${rows.length - kept.length} of ${rows.length} rows are longer than the context of ${context} tokens and left out`)
  return kept
}
