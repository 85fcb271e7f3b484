// Runs one TypeScript program of a tooling folder on the packages' sources: `run-source.mjs tooling/bench gpt-step --device wasm`.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [folder, name, ...rest] = process.argv.slice(2)
const program = join(root, folder, `${name}.ts`)

if (!name || !existsSync(program)) {
  const names = readdirSync(join(root, folder)).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3))
  console.error(`${folder}: a program's name is needed, got ${name ?? 'nothing'}; there are: ${names.join(', ') || 'none yet'}`)
  process.exit(2)
}

const child = spawn(
  process.execPath,
  ['--conditions=@abovo/source', '--import', 'tsx', program, ...rest],
  { stdio: 'inherit' },
)
// the terminal sends Ctrl-C to the whole group: stay alive until the program has ended its own way
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
