// Asks the npm registry for a sign of life, in seconds: without network, pnpm itself would retry for many minutes.
import { isNetworkFailure, runQuietly } from './quiet-command.mjs'

// two short attempts instead of npm's minute of them
export const fewRetries = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=20000']

/**
 * @param {[string, ...string[]]} npm
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<unknown>} why it cannot be reached, or nothing; a registry that only lacks the ping is reachable
 */
export async function registryFailure([npm, ...args], options) {
  try {
    await runQuietly('install the dependencies', npm, [...args, 'ping', ...fewRetries], options)
    return undefined
  } catch (error) {
    return isNetworkFailure(error) ? error : undefined
  }
}
