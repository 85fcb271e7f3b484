import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RunLock } from '../../src/storage/run-lock.ts'
import { temporaryFolder } from '../program-run.ts'

test('a lock whose process is gone is taken over', () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'lock'), '4194303\n')   // beyond any process id in use
  const lock = new RunLock(folder)
  expect(() => new RunLock(folder)).toThrow(/a run must have one writer, got a lock of process \d+/)
  lock.release()
  new RunLock(folder).release()
})

test('a lock that says nothing is no lock', () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'lock'), '')
  new RunLock(folder).release()
})
