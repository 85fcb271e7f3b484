import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readPackageResult, render, summarize } from '../bootstrap/test-report.mjs'

const file = (status: string, ...tests: [string, string][]) => ({
  name: '/p/test/a.test.ts',
  status,
  assertionResults: tests.map(([kind, fullName]) => ({ status: kind, fullName })),
})

test('passed, failed and skipped tests are counted and named', () => {
  const files = [file('failed', ['passed', 'one'], ['failed', 'two'], ['skipped', 'three'], ['todo', 'four'])]
  expect(summarize('p', '/p', files, 1)).toEqual({
    name: 'p',
    passed: 1,
    failed: ['test/a.test.ts: two'],
    skipped: ['test/a.test.ts: three', 'test/a.test.ts: four'],
  })
})

test('a file that cannot be loaded is a failure', () => {
  expect(summarize('p', '/p', [file('failed')], 1).failed).toEqual(['test/a.test.ts: the file could not be run'])
})

test('an error outside of the tests is a failure', () => {
  expect(summarize('p', '/p', [file('passed', ['passed', 'one'])], 1).failed).toEqual(['an error outside of the tests'])
})

test('a run that crashed before its report is a failure', () => {
  const empty = mkdtempSync(join(tmpdir(), 'abovo-report-'))
  expect(readPackageResult('p', empty, 1).failed).toEqual(['the test run crashed before it could report'])
  expect(readPackageResult('p', empty, 0).failed).toEqual([])
})

test('the last line adds up tests and other failures', () => {
  const results = [
    { name: '@abovo/a', passed: 3, failed: [], skipped: ['test/x.test.ts: slow'] },
    { name: '@abovo/long', passed: 4, failed: ['test/y.test.ts: wrong'], skipped: [] },
  ]
  const { text, failed } = render(results, ['@abovo/a#typecheck'])
  expect(failed).toBe(2)
  expect(text.split('\n')).toEqual([
    '✓ @abovo/a     3 passed, 0 failed, 1 SKIPPED',
    '✗ @abovo/long  4 passed, 1 failed',
    'SKIPPED @abovo/a test/x.test.ts: slow',
    'FAILED @abovo/long test/y.test.ts: wrong',
    'FAILED @abovo/a#typecheck',
    '7 passed, 2 failed',
  ])
})
