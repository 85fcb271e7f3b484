// Makes a README's examples tests: each `ts` block runs as a program of its own, and what it prints must be what its comments say.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test, vi } from 'vitest'

interface Example {
  readonly line: number
  readonly source: string
}

/** The fenced blocks marked `ts`, with the line each begins at. */
export function examplesIn(markdown: string): Example[] {
  return [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(match => ({ line: markdown.slice(0, match.index).split('\n').length + 1, source: match[1] }))
}

/** What the example's comments promise: the text behind `//` on each line that prints. */
export const promisedOutput = (source: string): string[] => [...source.matchAll(/console\.log\(.*\)\s*\/\/ (.*)$/gm)].map(match => match[1].trim())

/**
 * Registers one test for each example of `folder`'s README.md. Imports resolve as in tests of `home`, the folder itself for a package's README;
 * files are found from the README's folder.
 */
export function testReadme(folder: string, home = folder): void {
  const examples = examplesIn(readFileSync(join(folder, 'README.md'), 'utf8'))
  const scratch = join(home, 'node_modules', '.readme')
  test.each(examples)('the README example at line $line runs and prints what it says', async ({ line, source }) => {
    mkdirSync(scratch, { recursive: true })
    const file = join(scratch, `line-${line}.ts`)
    writeFileSync(file, `${source}\nexport {}\n`)
    const printed: string[] = []
    const log = vi.spyOn(console, 'log').mockImplementation((...values: readonly unknown[]) => {
      printed.push(values.map(value => (typeof value === 'string' ? value : inspect(value, { breakLength: Infinity }))).join(' '))
    })
    const before = process.cwd()
    process.chdir(folder)
    try {
      await import(file)
    } finally {
      process.chdir(before)
      log.mockRestore()
      rmSync(file)
    }
    const promised = promisedOutput(source)
    if (promised.length > 0) expect(printed).toEqual(promised)
  })
}
