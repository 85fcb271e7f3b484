// Runs the command line for tests: in this process with its output caught, or as a process of its own.
import { spawn, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { describeFailure } from '../src/failure.ts'
import { Interrupted, Interruption } from '../src/interruption.ts'
import { runProgram } from '../src/program.ts'
import { Terminal } from '../src/terminal/terminal.ts'

export interface Outcome {
  readonly exitCode: number
  readonly output: string
  /** What would go to standard error. */
  readonly error: string
}

/** @param onOutput sees every line as it comes, and may stop the run. */
export async function abovo(words: readonly string[], { folder, onOutput }: { folder: string; onOutput?: (text: string, interruption: Interruption) => void }): Promise<Outcome> {
  let output = ''
  const interruption = new Interruption()
  const stream = new Writable({ write: (chunk, _, done) => {
    output += String(chunk)
    onOutput?.(String(chunk), interruption)
    done()
  } })
  const session = { terminal: new Terminal(stream, {}), interruption, folder, command: (...rest: readonly string[]) => ['abovo', ...rest].join(' ') }
  try {
    await runProgram(words, { session, version: 'test' })
    return { exitCode: 0, output, error: '' }
  } catch (error) {
    if (error instanceof Interrupted) return { exitCode: error.exitCode, output, error: error.message }
    const { line, exitCode } = describeFailure(error)
    return { exitCode, output, error: line }
  }
}

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
const loader = pathToFileURL(createRequire(join(root, 'package.json')).resolve('tsx')).href

/** `node cli.ts …` on the sources. */
export function startProcess(words: readonly string[], folder: string): ChildProcess {
  return spawn(process.execPath, ['--conditions=@abovo/source', '--import', loader, join(root, 'apps/trainer/src/cli.ts'), ...words], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
}

export function endOf(child: ChildProcess): Promise<Outcome> {
  let [output, error] = ['', '']
  child.stdout?.on('data', text => (output += String(text)))
  child.stderr?.on('data', text => (error += String(text)))
  return new Promise(resolve => child.on('close', (code, signal) => resolve({ exitCode: code ?? (signal === 'SIGKILL' ? 137 : 1), output, error })))
}

/** A new folder, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'abovo-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Enough of a language for a tiny model: some sentences are kind and some are not. */
export function writeText(folder: string, { sentences = 400 }: { sentences?: number } = {}): string {
  const subjects = ['The old captain', 'A tired sailor', 'The white whale', 'My good friend', 'The cold wind']
  const verbs = ['loved', 'hated', 'followed', 'feared', 'enjoyed', 'saw']
  const objects = ['the happy crew', 'the terrible storm', 'the quiet sea', 'the bad weather', 'a wonderful song']
  const pick = (list: readonly string[], i: number): string => list[(i * 7 + Math.floor(i / 5) * 3) % list.length]
  const lines = Array.from({ length: sentences }, (_, i) => `${pick(subjects, i)} ${pick(verbs, i + 1)} ${pick(objects, i + 2)}.`)
  const path = join(folder, 'tale.txt')
  writeFileSync(path, lines.map((line, i) => (i % 4 === 3 ? `${line}\n` : `${line} `)).join(''))
  return path
}

/** A model that takes milliseconds a step. */
export const tiny = ['--device', 'wasm', '--threads', '1', '--n-layer', '1', '--n-embd', '16', '--n-head', '2', '--n-positions', '32', '--vocab-size', '280', '--batch-size', '2'] as const
