import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { clock, count } from '../../src/terminal/figures.ts'
import { printable } from '../../src/terminal/printable.ts'
import { Progress } from '../../src/terminal/progress.ts'
import { displayWidth, table } from '../../src/terminal/table.ts'
import { Terminal } from '../../src/terminal/terminal.ts'

const caught = (isTTY: boolean) => {
  const pieces: string[] = []
  const stream = Object.assign(new Writable({ write: (chunk, _, done) => {
    pieces.push(String(chunk))
    done()
  } }), { isTTY, columns: 100, rows: 24 })
  return { stream, pieces }
}

test('on a terminal a bar is redrawn, and its last state stays above what follows', () => {
  const { stream, pieces } = caught(true)
  const terminal = new Terminal(stream, {})
  const progress = new Progress(terminal, { total: 3, tokensPerStep: 10 })
  for (const step of [1, 2, 3]) progress.update(step, 'loss 1.000')
  terminal.line('after')
  const output = pieces.join('')
  expect(output).toContain('━')
  expect(output).toMatch(/step 3\/3 +100 % +loss 1\.000[^]*after\n$/)
})

test('where CI is set a terminal is treated as a log', () => {
  const { stream, pieces } = caught(true)
  const terminal = new Terminal(stream, { CI: 'true' })
  new Progress(terminal, { total: 9 }).update(1)
  expect(pieces.join('')).toBe('  step 1/9   11 %\n')
  expect(terminal.isInteractive).toBe(false)
})

test('what a model says cannot steer the terminal', () => {
  expect(printable('a\u001b[2Jb\u0007\u009b1m\tc\nd')).toBe('a\ufffd[2Jb\ufffd\ufffd1m\tc\nd')
})

test('tables align numbers to the right and know wide characters', () => {
  expect(displayWidth('고래')).toBe(4)
  expect(table(['', 'n'], [['고래', '1'], ['whale', '20']])).toEqual(['         n', '──────────', '고래     1', 'whale   20'])
})

test('durations and counts read as people write them', () => {
  expect([clock(65), clock(3725), clock(NaN), count(1234567)]).toEqual(['1:05', '1:02:05', '–', '1,234,567'])
})
