// The tokenizer beside its peers: speed on fresh text, hostile text, training, loading, size. JSON lines; CPU time.
//   pnpm --silent bench tokenizer [--only encode,decode,hostile,train,load,size] [--corpus FOLDER] [--no-peers]
// The peers and the texts are npm packages, installed on first use into tooling/peers/tokenizer.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { coreSize } from './tokenizer-core-size.js'
import { CORPORA, PEERS_FOLDER } from './tokenizer-corpus.js'

const TASKS = ['encode', 'decode', 'hostile', 'train', 'load', 'size'] as const
const PEERS = ['gpt-tokenizer', 'ai-tokenizer', 'tiktoken'] as const

function stop(message: string): never {
  console.error(`bench tokenizer: ${message}`)
  process.exit(2)
}

const { values } = (() => {
  try {
    return parseArgs({ options: { only: { type: 'string' }, corpus: { type: 'string' }, 'no-peers': { type: 'boolean', default: false } } })
  } catch (error) {
    return stop(error instanceof Error ? error.message : String(error))
  }
})()
const tasks: readonly string[] = values.only?.split(',') ?? TASKS
for (const task of tasks) if (!TASKS.some((known) => known === task)) stop(`--only must be of ${TASKS.join(', ')}, got ${task}`)
const libraries = ['abovo', ...(values['no-peers'] ? [] : PEERS)]

if (!existsSync(join(PEERS_FOLDER, 'node_modules'))) {
  console.error('bench tokenizer: installing the peers and the texts, once')
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: PEERS_FOLDER, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) stop(`the peers must be installable, got exit status ${status ?? 'none'}; run npm ci in tooling/peers/tokenizer`)
}

interface Line {
  library?: string
  mb_per_s?: number
}

function run(task: string, encoding: string, library: string, name = ''): Line | undefined {
  const child = spawnSync(
    process.execPath,
    ['--conditions=@abovo/source', '--expose-gc', '--import', 'tsx', fileURLToPath(new URL('tokenizer-child.ts', import.meta.url)), task, encoding, library, name, ...(values.corpus === undefined ? [] : [values.corpus])],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  )
  if (child.status !== 0) stop(`${task} ${encoding} ${library} ${name} ended with ${child.status ?? child.signal}`)
  if (child.stdout === '') return undefined
  process.stdout.write(child.stdout)
  return JSON.parse(child.stdout)
}

/** A row of the table, and how many times the best peer it is. */
function beside(task: string, encoding: string, name: string): void {
  const lines = libraries.map((library) => run(task, encoding, library, name)).filter((line) => line !== undefined)
  const own = lines[0]?.mb_per_s ?? 0
  const best = Math.max(0, ...lines.slice(1).map((line) => line.mb_per_s ?? 0))
  if (best > 0) console.log(JSON.stringify({ measure: `${task} ratio`, encoding, corpus: name, times_best_peer: Math.round((own / best) * 100) / 100 }))
}

if (tasks.includes('encode')) {
  for (const name of CORPORA) beside('encode', 'o200k_base', name)
  beside('encode', 'cl100k_base', 'english')
  beside('encode', 'gpt2', 'english')
}
if (tasks.includes('decode')) beside('decode', 'o200k_base', 'english')
if (tasks.includes('hostile')) {
  run('hostile', 'o200k_base', 'abovo', String(1 << 20))
  // the peers take time that grows with the square: a 64th of the text
  for (const library of libraries) run('hostile', 'o200k_base', library, String(1 << 14))
}
if (tasks.includes('train')) for (const mb of ['10', '100']) run('train', '', 'abovo', mb)
if (tasks.includes('load')) for (const form of ['tiktoken', 'compact']) run('load', 'o200k_base', form)
if (tasks.includes('size')) for (const line of await coreSize()) console.log(JSON.stringify(line))
