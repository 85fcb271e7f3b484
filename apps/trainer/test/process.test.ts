// The program as a process: signals, sudden death at any moment, a full disk.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { newestFiles } from './newest-files.ts'
import { abovo, endOf, startProcess, temporaryFolder, tiny, writeText } from './program-run.ts'

const wasm = ['--device', 'wasm', '--threads', '1']
const many = ['--evaluate-every', '0', '--checkpoint-every', '1']

/** The step of the last line in metrics.jsonl, whole or not. */
const stepsLogged = (run: string): number => (existsSync(join(run, 'metrics.jsonl')) ? readFileSync(join(run, 'metrics.jsonl'), 'utf8').split('\n').length - 1 : 0)

async function reached(run: string, step: number): Promise<void> {
  while (stepsLogged(run) < step) await new Promise(resolve => setTimeout(resolve, 5))
}

test.each([['SIGINT', 130], ['SIGTERM', 143]] as const)('%s saves a checkpoint and exits %i', { timeout: 120_000 }, async (signal, exitCode) => {
  const folder = temporaryFolder()
  const child = startProcess(['train', '--text', writeText(folder), '--out', 'run', ...tiny, '--steps', '100000', '--evaluate-every', '0', '--checkpoint-every', '100000'], folder)
  const end = endOf(child)
  await reached(join(folder, 'run'), 3)
  child.kill(signal)
  const outcome = await end
  expect(outcome.exitCode).toBe(exitCode)
  expect(outcome.error.trimEnd()).toMatch(/^abovo: interrupted: step \d+ of 100000 is saved; go on with: abovo resume \S+$/)
  expect(readdirSync(join(folder, 'run/checkpoints'))).toHaveLength(1)
  expect(existsSync(join(folder, 'run/lock'))).toBe(false)
})

test('killed at any moment while it writes checkpoints, a run goes on and ends with the bytes of one that was not', { timeout: 240_000 }, async () => {
  const folder = temporaryFolder()
  const text = writeText(folder)
  const steps = ['--steps', '40']
  await abovo(['train', '--text', text, '--out', 'whole', ...tiny, ...steps, ...many], { folder })
  const first = startProcess(['train', '--text', text, '--out', 'broken', ...tiny, ...steps, ...many], folder)
  const firstEnd = endOf(first)
  await reached(join(folder, 'broken'), 2)
  first.kill('SIGKILL')
  await firstEnd
  for (let round = 0; round < 3; round++) {
    const begun = stepsLogged(join(folder, 'broken'))
    const child = startProcess(['resume', 'broken', ...wasm], folder)
    const end = endOf(child)
    await Promise.race([reached(join(folder, 'broken'), begun + 3 + round), end])
    child.kill('SIGKILL')
    await end
  }
  const last = await abovo(['resume', 'broken', ...wasm], { folder })
  expect(last.error).toBe('')
  expect(newestFiles(join(folder, 'broken'))).toEqual(newestFiles(join(folder, 'whole')))
  expect(readdirSync(join(folder, 'broken/checkpoints')).filter(name => name.startsWith('.tmp-'))).toEqual([])
})

test('a second writer is refused while the first lives', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  const child = startProcess(['train', '--text', writeText(folder), '--out', 'run', ...tiny, '--steps', '100000', '--evaluate-every', '0'], folder)
  const end = endOf(child)
  await reached(join(folder, 'run'), 1)
  const second = await abovo(['resume', 'run', ...wasm], { folder })
  expect(second.error).toMatch(new RegExp(`run: a run must have one writer, got a lock of process ${child.pid}, which is running; `))
  expect(second.exitCode).toBe(2)
  child.kill('SIGKILL')
  await end
})

/** A file system of one megabyte, where this user may make one. */
function smallDisk(folder: string): string | null {
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' })
  } catch {
    return null
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', disk])
  })
  return disk
}

test('on a full disk the last checkpoint stays, nothing half-written is left, and one line says so', { timeout: 120_000 }, async context => {
  const folder = temporaryFolder()
  const disk = smallDisk(folder)
  if (disk === null) return context.skip('this user may not mount a small file system')
  // three checkpoints of 340 kB do not fit
  const { error, exitCode } = await abovo(['train', '--text', writeText(folder), '--out', 'disk/run', ...tiny, '--n-embd', '64', '--steps', '20', '--checkpoint-every', '2', '--keep', '9', '--evaluate-every', '0'], { folder })
  expect(error).toMatch(/disk\/run\/checkpoints\/step-0000\d\d: the file must be writable, got ENOSPC: the disk is full; free some space and run again; earlier files are as they were$/)
  expect(exitCode).toBe(6)
  const left = readdirSync(join(disk, 'run/checkpoints'))
  expect(left.length).toBeGreaterThan(0)
  expect(left.filter(name => !name.startsWith('step-'))).toEqual([])
  expect((await abovo(['sample', 'disk/run', '--tokens', '2', ...wasm], { folder })).error).toBe('')
})
