import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Checkpoints } from '../../src/storage/checkpoints.ts'
import { temporaryFolder } from '../program-run.ts'

const files = (text: string) => ({ 'a.bin': new TextEncoder().encode(text), 'b.bin': new Uint8Array(3) })

test('the newest whole checkpoint counts, with the reason why newer ones do not', async () => {
  const folder = temporaryFolder()
  const checkpoints = new Checkpoints(folder, { keep: 9 })
  for (const step of [1, 2, 3, 4]) await checkpoints.save(step, files(`step ${step}`))
  truncateSync(join(folder, 'step-000004/a.bin'), 2)
  rmSync(join(folder, 'step-000003/manifest.json'))
  const { checkpoint, skipped } = await checkpoints.newest()
  expect(checkpoint?.step).toBe(2)
  expect(Object.keys(checkpoint?.files ?? {})).toEqual(['a.bin', 'b.bin'])
  expect(skipped).toEqual([
    `${folder}/step-000004: a.bin must have 6 bytes, got 2`,
    `${folder}/step-000003: manifest.json must be readable, got no such file`,
  ])
})

test('as many stay as are kept, and what a dead writer left is removed', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, '.tmp-1-0-folder'))
  writeFileSync(join(folder, '.tmp-1-0-folder/a.bin'), 'half')
  const checkpoints = new Checkpoints(folder, { keep: 2 })
  for (const step of [1, 2, 3]) await checkpoints.save(step, files('x'))
  expect(readdirSync(folder)).toEqual(['step-000002', 'step-000003'])
})

test('a manifest cannot name files outside its folder', async () => {
  const folder = temporaryFolder()
  const checkpoints = new Checkpoints(folder)
  await checkpoints.save(1, files('x'))
  writeFileSync(join(folder, 'step-000001/manifest.json'), '{"version":1,"files":{"../secret":{"bytes":1,"sha256":""}}}')
  await expect(checkpoints.newest()).rejects.toThrow(/must hold names without folders, got "\.\.\/secret"/)
})

test('the same step saved again replaces a broken one and leaves a whole one alone', async () => {
  const folder = temporaryFolder()
  const checkpoints = new Checkpoints(folder)
  await checkpoints.save(1, files('x'))
  await checkpoints.save(1, files('x'))
  truncateSync(join(folder, 'step-000001/a.bin'), 0)
  await checkpoints.save(1, files('x'))
  expect((await checkpoints.newest()).skipped).toEqual([])
  expect(readdirSync(folder)).toEqual(['step-000001'])
})
