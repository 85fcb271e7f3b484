// The pnpm that package.json pins, kept inside this repository (.abovo/), so that nothing of the machine is changed or needed.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runQuietly } from './quiet-command.mjs'
import { fewRetries } from './registry.mjs'

/**
 * @param {string} root
 * @returns {string} such as 12.21.0
 */
export function pinnedVersion(root) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return packageManager.replace(/^pnpm@/, '').replace(/\+.*$/, '')
}

/**
 * Gets it with npm on the first run.
 * @param {string} root
 * @returns {Promise<NodeJS.ProcessEnv>} the environment in which `pnpm` and `turbo` are the pinned ones
 */
export async function pinnedPnpm(root) {
  const version = pinnedVersion(root)
  const home = join(root, '.abovo', `pnpm-${version}`)
  const env = quietEnvironment([join(home, 'node_modules', '.bin'), join(root, 'node_modules', '.bin')])
  const complete = join(home, 'complete')
  if (!existsSync(complete)) {
    mkdirSync(home, { recursive: true })
    // without a package.json npm would look for one further up and install into the repository
    writeFileSync(join(home, 'package.json'), '{ "private": true }\n')
    const [npm, ...args] = npmCommand(process.env['npm_execpath'])
    await runQuietly('get pnpm', npm, [...args, 'install', '--no-audit', '--no-fund', ...fewRetries, `pnpm@${version}`], { cwd: home, env })
    writeFileSync(complete, '')
  }
  return env
}

/**
 * `npm start` tells where npm's own program is; pnpm sets the same variable to itself.
 * @param {string | undefined} execPath
 * @returns {[string, ...string[]]}
 */
export function npmCommand(execPath) {
  return execPath && /npm-cli\.c?js$/.test(execPath) ? [process.execPath, execPath] : ['npm']
}

/** @param {string[]} folders first on the PATH */
function quietEnvironment(folders) {
  return {
    ...process.env,
    PATH: [...folders, process.env['PATH']].join(delimiter),
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    NO_UPDATE_NOTIFIER: '1',
  }
}
