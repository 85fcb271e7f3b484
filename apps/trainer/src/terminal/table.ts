// A table in plain text: the first column to the left, the others, numbers, to the right.
import { stripVTControlCharacters } from 'node:util'

/** Columns as the terminal counts them: wide East Asian characters take two. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of stripVTControlCharacters(text)) width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(character) ? 2 : 1
  return width
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, column) => Math.max(...[title, ...rows.map(row => row[column] ?? '')].map(displayWidth)))
  const pad = (text: string, column: number): string => {
    const space = ' '.repeat(widths[column] - displayWidth(text))
    return column === 0 ? text + space : space + text
  }
  const line = (cells: readonly string[]): string => cells.map(pad).join('   ').trimEnd()
  return [line(header), widths.map(width => '─'.repeat(width)).join('───'), ...rows.map(line)]
}
