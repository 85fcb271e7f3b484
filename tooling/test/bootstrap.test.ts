import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dependencyState } from '../bootstrap/dependencies.mjs'
import { requireNode } from '../bootstrap/node-version.mjs'
import { npmCommand, pinnedVersion } from '../bootstrap/pinned-pnpm.mjs'
import { explain, runQuietly } from '../bootstrap/quiet-command.mjs'
import { folderPatterns, workspacePackages } from '../bootstrap/workspace.mjs'
import { plantedWorkspace } from './planted-workspace.ts'

describe('the Node.js version', () => {
  test.each(['20.19.0', '20.20.2', '22.0.0', '26.10.0'])('%s is new enough', (version) => {
    expect(() => requireNode(version)).not.toThrow()
  })

  test.each(['18.20.8', '20.18.3'])('%s is refused in one line', (version) => {
    expect(() => requireNode(version)).toThrow(
      `set-up: Node.js must be 20.19 or newer, got ${version}; install a newer Node.js and run again`,
    )
  })
})

describe('a failing command of the set-up', () => {
  test.each([
    ['npm error code ENOTFOUND', 'got ENOTFOUND; check the network and run again'],
    ['error sending request for url', 'check the network and run again'],
    ['ENOSPC: no space left on device', 'the disk is full'],
    ["EACCES: permission denied, mkdir '/x'", 'this folder must be writable'],
    ['something else', 'something else\nset-up: could not install'],
  ])('%s is explained', (output, line) => {
    expect(explain('install', output).message).toContain(line)
  })

  test('that is not there is explained', async () => {
    const run = runQuietly('find it', 'abovo-no-such-command', [], { cwd: '.', env: process.env })
    await expect(run).rejects.toThrow('could not find it')
  })

  test('is not an error when it succeeds', async () => {
    await runQuietly('run', process.execPath, ['-e', 'console.log(1)'], { cwd: '.', env: process.env })
  })
})

test('the pnpm version is the one package.json pins', () => {
  const root = plantedWorkspace({ 'package.json': '{ "packageManager": "pnpm@12.21.0+sha512.abc" }' })
  expect(pinnedVersion(root)).toBe('12.21.0')
})

test('npm is called through the program that called us, unless that is pnpm', () => {
  expect(npmCommand('/lib/npm/bin/npm-cli.js')).toEqual([process.execPath, '/lib/npm/bin/npm-cli.js'])
  expect(npmCommand('/lib/pnpm/bin/pnpm.mjs')).toEqual(['npm'])
  expect(npmCommand(undefined)).toEqual(['npm'])
})

test('a changed lockfile asks for a new installation', () => {
  const root = plantedWorkspace({ 'pnpm-lock.yaml': 'a' })
  const before = dependencyState(root)
  expect(dependencyState(root)).toBe(before)
  writeFileSync(join(root, 'pnpm-lock.yaml'), 'b')
  expect(dependencyState(root)).not.toBe(before)
})

test('the packages are those of pnpm-workspace.yaml', () => {
  expect(folderPatterns('packages:\n  - packages/*\n  - tooling\n\ncatalog:\n  a: 1\n')).toEqual(['packages/*', 'tooling'])
  const names = workspacePackages(plantedWorkspace({})).map(({ name, hasTests }) => [name, hasTests])
  expect(names).toEqual([
    ['@abovo/autograd', false],
    ['@abovo/tensor-webgpu', true],
    ['@abovo/tooling', false],
  ])
})
