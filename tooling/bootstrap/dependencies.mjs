// Installs what the lockfile says, once for each state of the lockfile.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npmCommand } from './pinned-pnpm.mjs'
import { runQuietly } from './quiet-command.mjs'
import { registryFailure } from './registry.mjs'

/**
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 */
export async function installDependencies(root, env) {
  const stamp = join(root, 'node_modules', '.abovo-installed')
  const wanted = dependencyState(root)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  console.error('Ab ovo: installing dependencies (once; about a minute) …')
  // CI: pnpm asks no questions
  const options = { cwd: root, env: { ...env, CI: 'true' } }
  const install = (/** @type {string[]} */ ...more) => runQuietly('install the dependencies', 'pnpm', ['install', '--frozen-lockfile', ...more], options)
  const unreachable = await registryFailure(npmCommand(process.env['npm_execpath']), options)
  if (unreachable) {
    // an earlier clone may have left everything in pnpm's store
    await install('--offline').catch(() => Promise.reject(unreachable))
  } else await install()
  writeFileSync(stamp, wanted)
}

/** @param {string} root */
export function dependencyState(root) {
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, file)))
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`
}
