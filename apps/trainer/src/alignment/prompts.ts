// Prompts from JSON Lines: TRL's prompt-only rows.
import { Failure } from '../failure.js'

/** @throws Failure `input` with the line. */
export function parsePrompts(text: string): string[] {
  return text.replace(/^\uFEFF/, '').trimEnd().split(/\r\n|\n/).map((line, i) => {
    const prompt = promptOf(line)
    if (prompt === null || prompt === '') throw new Failure('input', `line ${i + 1}: a row must be {"prompt": "some text"}, got ${JSON.stringify(line.slice(0, 60))}`)
    return prompt
  })
}

function promptOf(line: string): string | null {
  try {
    const row: unknown = JSON.parse(line)
    return typeof row === 'object' && row !== null && 'prompt' in row && typeof row.prompt === 'string' ? row.prompt : null
  } catch {
    return null
  }
}
