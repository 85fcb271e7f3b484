import { expect, test } from 'vitest'
import { DataError, encodeDemonstration, encodePreference, parseDemonstrations, parsePreferences } from '../src/index.ts'

const pair = '{"prompt":"p","chosen":"a","rejected":"b"}'
const failing = (text: string, read: (text: string) => unknown = parsePreferences): DataError => {
  try {
    read(text)
  } catch (error) {
    if (error instanceof DataError) return error
  }
  throw new Error(`nothing was thrown for ${text}`)
}

test('a pair is a ranking of two, best first', () => {
  expect(parsePreferences(pair)).toEqual([{ prompt: 'p', completions: ['a', 'b'] }])
  expect(parsePreferences('{"prompt":"p","chosen":"a","rejected":"b","margin":0.5}')[0].margin).toBe(0.5)
})

test('a ranking is sorted by rank', () => {
  expect(parsePreferences('{"prompt":"p","completions":["x","y","z"],"ranks":[3,1,2]}')[0].completions).toEqual(['y', 'z', 'x'])
})

test('byte order mark, CRLF and blank lines at the end are accepted', () => {
  expect(parsePreferences(`\uFEFF${pair}\r\n${pair}\r\n\r\n`)).toHaveLength(2)
})

test.each([
  ['an empty file', '', 1, 'at least one row'],
  ['an empty line', `${pair}\n\n${pair}`, 2, 'must not be empty'],
  ['an empty line with CRLF', `${pair}\r\n \r\n${pair}`, 2, 'must not be empty'],
  ['what is not JSON', `${pair}\n{"prompt":`, 2, 'one JSON object'],
  ['a list', '[]', 1, 'a JSON object, got a list'],
  ['a missing field', '{"prompt":"p","chosen":"a"}', 1, 'got prompt, chosen'],
  ['an empty answer', '{"prompt":"p","chosen":"","rejected":"b"}', 1, '"chosen" must not be empty'],
  ['messages', '{"prompt":[{"role":"user","content":"p"}],"chosen":"a","rejected":"b"}', 1, 'render the messages'],
  ['a tied pair', `${pair}\n${pair}\n{"prompt":"p","chosen":"a","rejected":"a"}`, 3, 'a tie'],
  ['a tied ranking', '{"prompt":"p","completions":["x","y","z"],"ranks":[2,1,2]}', 1, 'got 2 twice, a tie'],
  ['the same answer twice', '{"prompt":"p","completions":["x","x"],"ranks":[2,1]}', 1, 'same answer twice'],
  ['a single answer', `${pair}\n{"prompt":"p","completions":["x"],"ranks":[1]}`, 2, 'got 1; remove'],
  ['too few ranks', '{"prompt":"p","completions":["x","y"],"ranks":[1]}', 1, 'got 1 for 2'],
  ['ranks that are no numbers', '{"prompt":"p","completions":["x","y"],"ranks":[1,null]}', 1, 'got null at 1'],
  ['a margin that is no number', '{"prompt":"p","chosen":"a","rejected":"b","margin":"big"}', 1, '"margin" must be a number, got "big"'],
])('%s is refused with its line', (_, text, line, message) => {
  const error = failing(text)
  expect(error.line).toBe(line)
  expect(error.message).toContain(`line ${line}: `)
  expect(error.message).toContain(message)
})

test('a demonstration without completion is refused with its line', () => {
  expect(failing('{"prompt":"p","completion":"c"}\n{"prompt":"p"}', parseDemonstrations).line).toBe(2)
})

test('every completion ends with the end token', () => {
  const tokenizer = { encode: (text: string) => [...text].map(c => c.charCodeAt(0)), decode: () => '' }
  expect(encodeDemonstration({ prompt: 'a', completion: 'bc' }, { tokenizer, endToken: 0 })).toEqual({ prompt: [97], completion: [98, 99, 0] })
  expect(encodePreference({ prompt: 'a', completions: ['b', 'c'] }, { tokenizer, endToken: 0 }).completions).toEqual([[98, 0], [99, 0]])
  expect(() => encodeDemonstration({ prompt: '', completion: 'b' }, { tokenizer, endToken: 0 })).toThrow('one token or more')
})
