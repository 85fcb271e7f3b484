import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it, vi } from 'vitest'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const examples = [...readme.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code)
// not among the sources: a type check that runs meanwhile must not meet a file that comes and goes
const folder = new URL('../node_modules/.readme-examples/', import.meta.url)
mkdirSync(folder, { recursive: true })
afterAll(() => rmSync(folder, { recursive: true }))

describe('the README', () => {
  it.each(examples.map((code, k) => [k + 1, code] as const))('example %d runs and prints what it says', async (k, code) => {
    const file = new URL(`example-${k}.ts`, folder)
    writeFileSync(file, code.replaceAll("'@abovo/tokenizer-bpe'", "'../../src/index.ts'"))
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    await import(/* @vite-ignore */ file.href)
    const said = [...code.matchAll(/\/\/ (\d[^\n]*|SPECIAL_TOKEN_IN_TEXT)\n/g)].map(([, text]) => text)
    const printed = log.mock.calls.map((values) => values.map(String).join(' '))
    log.mockRestore()
    for (const text of said) expect(printed).toContain(text)
    expect(said.length + printed.length).toBeGreaterThan(0)
  })
})
