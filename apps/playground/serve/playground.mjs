// `npm run playground`: sets everything up, builds the page, and serves it on this machine: `npm run playground -- --port 8080`.
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { spawn } from 'node:child_process'
import { runQuietly } from '../../../tooling/bootstrap/quiet-command.mjs'
import { root, setUp } from '../../../tooling/bootstrap/set-up.mjs'
import { exitWith, SetupError } from '../../../tooling/bootstrap/setup-error.mjs'

const DEFAULT_PORT = 4180

/** @param {string} text */
function portOf(text) {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port < 65536) return port
  throw new SetupError(`playground: --port must be a whole number below 65536, got ${text}`)
}

/** @returns {{ port: number | null }} */
function readOptions() {
  try {
    const { values } = parseArgs({ options: { port: { type: 'string' } } })
    return { port: values.port === undefined ? null : portOf(values.port) }
  } catch (error) {
    if (error instanceof SetupError) throw error
    throw new SetupError(`playground: the only option is --port NUMBER; ${error instanceof Error ? error.message : error}`)
  }
}

try {
  const { port } = readOptions()
  const env = await setUp()
  await runQuietly('build the page', 'turbo', ['run', 'build', '--filter=@abovo/playground', '--output-logs=errors-only'], { cwd: root, env })
  const serve = fileURLToPath(new URL('./serve-page.ts', import.meta.url))
  const options = { env: { ...env, ABOVO_PORT: String(port ?? DEFAULT_PORT), ABOVO_MORE_PORTS: port === null ? '20' : '0' }, stdio: /** @type {const} */ ('inherit'), cwd: root }
  const server = spawn(process.execPath, ['--import', 'tsx', serve], options)
  // Ctrl-C reaches the server itself: wait for its end
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => server.kill('SIGTERM'))
  server.on('exit', code => process.exit(code ?? 0))
} catch (error) {
  exitWith(error)
}
