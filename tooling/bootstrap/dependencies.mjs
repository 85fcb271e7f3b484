// Installs what the lockfile says, once for each state of the lockfile.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runQuietly } from './quiet-command.mjs'

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
  await runQuietly('install the dependencies', 'pnpm', ['install', '--frozen-lockfile'], { cwd: root, env: { ...env, CI: 'true' } })
  writeFileSync(stamp, wanted)
}

/** @param {string} root */
export function dependencyState(root) {
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, file)))
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`
}
