// What users get: run after a build (`pnpm packaging`, and `npm test`).
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../bootstrap/set-up.mjs'
import { installInto, packAll, publicPackages } from '../packaging/packed.mjs'

const names = publicPackages(root).map(({ name }) => name)
const scratch = mkdtempSync(join(tmpdir(), 'abovo-packaging-'))
const user = join(scratch, 'user')
let tarballs: Map<string, string>

beforeAll(() => {
  tarballs = packAll(root, scratch)
  installInto(user, tarballs.values())
}, 120_000)
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function tool(name: string, args: string[]): string {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', name), args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? 'fine' : `${stdout}${stderr}`
}

test.each(names)('%s: publint finds nothing', (name) => {
  expect(tool('publint', ['run', tarballs.get(name)!, '--strict'])).toBe('fine')
})

test.each(names)('%s: its types are found by every ESM resolution', (name) => {
  expect(tool('attw', [tarballs.get(name)!, '--profile', 'esm-only'])).toBe('fine')
}, 60_000)

test('every package fits its size budget', () => {
  expect(tool('size-limit', [])).toBe('fine')
}, 60_000)

test.each(names)('%s: a clean Node project imports it', (name) => {
  const count = execFileSync(process.execPath, ['-e', `import('${name}').then((all) => console.log(Object.keys(all).length))`], { cwd: user })
  expect(Number(count.toString())).toBeGreaterThan(0)
})

test('a user has one copy of the tensor package', () => {
  const nested = names.map((name) => join(user, 'node_modules', name, 'node_modules', '@abovo/tensor-webgpu'))
  expect(nested.filter((path) => existsSync(path))).toEqual([])
})

test.each(['node16', 'bundler'])('the types check in a user project with %s resolution', (moduleResolution) => {
  const webgpuTypes = join(user, 'node_modules/@webgpu/types')
  mkdirSync(dirname(webgpuTypes), { recursive: true })
  if (!existsSync(webgpuTypes)) symlinkSync(join(root, 'tooling/node_modules/@webgpu/types'), webgpuTypes)
  writeFileSync(join(user, 'all.ts'), names.map((name, i) => `export * as p${i} from '${name}'\n`).join(''))
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable', 'dom'],
    module: moduleResolution === 'bundler' ? 'esnext' : 'node16',
    moduleResolution,
    types: ['@webgpu/types'],
  }
  writeFileSync(join(user, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['all.ts'] }))
  expect(tool('tsc', ['-p', user])).toBe('fine')
}, 60_000)
