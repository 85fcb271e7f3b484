// `npm start`: sets everything up, builds the command line `abovo`, and becomes it: `npm start -- --text FILE`.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runQuietly } from './quiet-command.mjs'
import { root, setUp } from './set-up.mjs'
import { exitWith } from './setup-error.mjs'

try {
  const env = await setUp()
  await runQuietly('build', 'turbo', ['run', 'build', '--filter=@abovo/trainer...', '--output-logs=errors-only'], { cwd: root, env: { ...env, ABOVO_NO_TYPES: '1' } })
} catch (error) {
  exitWith(error)
}

// in this very process: Ctrl-C, the terminal and the exit code are then the program's own
const program = join(root, 'apps/trainer/dist/cli.js')
process.argv[1] = program
await import(pathToFileURL(program).href)
