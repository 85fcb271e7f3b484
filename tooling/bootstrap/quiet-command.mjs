// Runs a command of the set-up without its chatter, and turns a failure into something a person can act on.
import { spawn } from 'node:child_process'
import { SetupError } from './setup-error.mjs'

/**
 * @param {string} purpose completes "set-up: could not …"
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<void>}
 */
export async function runQuietly(purpose, command, args, { cwd, env }) {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' })
  let output = ''
  child.stdout.on('data', (text) => (output += text))
  child.stderr.on('data', (text) => (output += text))

  // Ctrl-C during the set-up: nothing to save, so stop at once
  const stop = () => {
    child.kill()
    process.exit(130)
  }
  process.once('SIGINT', stop)
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      output += error.message
      resolve(1)
    })
    child.on('close', resolve)
  })
  process.removeListener('SIGINT', stop)
  if (code !== 0) throw explain(purpose, output)
}

const networkFailure = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT|ERR_PNPM_META_FETCH_FAIL)\b|dns error|error sending request|failed to lookup address/i

class NetworkError extends SetupError {}

/** @param {unknown} error */
export const isNetworkFailure = (error) => error instanceof NetworkError

/**
 * @param {string} purpose
 * @param {string} output
 */
export function explain(purpose, output) {
  const network = networkFailure.exec(output)
  if (network) {
    return new NetworkError(`set-up: the npm registry must be reachable to ${purpose}, got ${network[0]}; check the network and run again`)
  }
  if (/\bENOSPC\b|no space left/i.test(output)) return new SetupError(`set-up: the disk is full, so it could not ${purpose}; free some space and run again`)
  if (/\bE(ACCES|PERM|ROFS)\b|permission denied/i.test(output)) {
    return new SetupError(`set-up: this folder must be writable to ${purpose}, got permission denied; use a copy you own and run again`)
  }
  // unknown: the command's own words help more than a guess
  return new SetupError(`${output.trimEnd()}\nset-up: could not ${purpose}; the reason is above`)
}
