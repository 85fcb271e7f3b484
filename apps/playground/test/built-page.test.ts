// What a visitor's browser loads first, from the build itself.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { site } from './browser/build-page.ts'

interface Chunk {
  readonly file: string
  readonly imports?: readonly string[]
}

const manifest: Record<string, Chunk> = JSON.parse(readFileSync(join(site, '.vite/manifest.json'), 'utf8'))
const read = (file: string): string => readFileSync(join(site, file), 'utf8')

/** The entry and all it imports before it runs. */
function firstLoad(name = 'index.html', seen = new Set<string>()): string[] {
  if (seen.has(name)) return []
  seen.add(name)
  const { file, imports = [] } = manifest[name]
  return [file, ...imports.flatMap(other => firstLoad(other, seen))]
}

/** Texts that our packages keep through minification. */
const marks = { 'tensor-webgpu': '@abovo/tensor-webgpu/Tensor', 'nn-transformer': 'GPT2LMHeadModel', 'tokenizer-bpe': 'ByteLevel' } as const

test('the first load is at most 150 kB of gzipped JavaScript', () => {
  const bytes = firstLoad().reduce((sum, file) => sum + gzipSync(read(file), { level: 9 }).length, 0)
  expect(bytes).toBeLessThanOrEqual(150_000)
})

test.each(Object.entries(marks))('%s is in the worker and not in the page', (_, mark) => {
  for (const file of firstLoad()) expect(read(file)).not.toContain(mark)
  const worker = readdirSync(join(site, 'assets')).find(file => file.startsWith('worker-'))!
  expect(read(`assets/${worker}`)).toContain(mark)
})

test('the page has a policy, and no inline script or style', () => {
  const html = read('index.html')
  expect(html).toContain('Content-Security-Policy')
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=)[^>]*>|<style|\sstyle=|\son\w+=/)
})
