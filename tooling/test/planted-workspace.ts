// A throw-away workspace on disk in which a test plants files.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Writes `files` (path → text) beside a pnpm-workspace.yaml and a manifest for each package; gone after the test. */
export function plantedWorkspace(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'abovo-planted-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const all = {
    'pnpm-workspace.yaml': 'packages:\n  - packages/*\n  - tooling\n\ncatalog: {}\n',
    'packages/tensor-webgpu/package.json': JSON.stringify({ name: '@abovo/tensor-webgpu', scripts: { test: 'vitest run' } }),
    'packages/autograd/package.json': JSON.stringify({
      name: '@abovo/autograd',
      peerDependencies: { '@abovo/tensor-webgpu': '*' },
      devDependencies: { vitest: '*', '@abovo/tokenizer-bpe': '*' },
    }),
    'tooling/package.json': JSON.stringify({ name: '@abovo/tooling' }),
    ...files,
  }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}
