// What people preferred: a prompt and its answers, best first. A pair is a ranking of two. Field names are TRL's: prompt with chosen and
// rejected (and margin), or prompt with completions and ranks.
import { parseJsonLines, type Row } from './json-lines.js'

export interface Preference {
  readonly prompt: string
  /** Two or more different answers, best first. */
  readonly completions: readonly string[]
  /** Of a pair: by how much the better one is better. */
  readonly margin?: number
}

/**
 * Reads preferences from JSON Lines, pairs and rankings mixed as they come. The answer with the smallest rank is the best.
 *
 * @throws DataError with the line for rows that are malformed, empty, tied, or hold a single answer.
 * @example
 * parsePreferences('{"prompt":"2+2=","chosen":"4","rejected":"5"}')[0].completions   // ['4', '5']
 */
export function parsePreferences(text: string): Preference[] {
  return parseJsonLines(text).map(row => (row.has('completions') ? parseRanking(row) : parsePair(row)))
}

function parsePair(row: Row): Preference {
  if (!row.has('chosen') || !row.has('rejected') || !row.has('prompt'))
    throw row.error(`a preference must have "prompt", "chosen" and "rejected", or "prompt", "completions" and "ranks", got ${row.names}`)
  const prompt = row.text('prompt')
  const chosen = row.text('chosen')
  const rejected = row.text('rejected')
  if (chosen === rejected) throw row.error('"chosen" and "rejected" must differ, got a tie; remove the row')
  const margin = row.optionalNumber('margin')
  return { prompt, completions: [chosen, rejected], ...(margin === undefined ? {} : { margin }) }
}

function parseRanking(row: Row): Preference {
  const prompt = row.text('prompt')
  const completions = row.list('completions').map((completion, i) => {
    if (typeof completion !== 'string' || completion === '') throw row.error(`"completions" must hold texts that are not empty, got ${JSON.stringify(completion)} at ${i}`)
    return completion
  })
  const ranks = row.list('ranks').map((rank, i) => {
    if (typeof rank !== 'number' || !Number.isFinite(rank)) throw row.error(`"ranks" must hold numbers, got ${JSON.stringify(rank)} at ${i}`)
    return rank
  })
  if (completions.length < 2) throw row.error(`"completions" must hold 2 or more answers, got ${completions.length}; remove the row`)
  if (ranks.length !== completions.length) throw row.error(`"ranks" must have one number per completion, got ${ranks.length} for ${completions.length}`)
  const order = ranks.map((_, i) => i).sort((a, b) => ranks[a] - ranks[b])
  for (let k = 1; k < order.length; k++)
    if (ranks[order[k]] === ranks[order[k - 1]]) throw row.error(`"ranks" must differ, got ${ranks[order[k]]} twice, a tie; remove one of the two answers`)
  if (new Set(completions).size !== completions.length) throw row.error('"completions" must differ, got the same answer twice; remove one')
  return { prompt, completions: order.map(i => completions[i]) }
}
