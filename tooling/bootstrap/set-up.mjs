// From a fresh clone to a workspace in which commands run: right Node, pinned pnpm, dependencies. Does only what is missing.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installDependencies } from './dependencies.mjs'
import { requireNode } from './node-version.mjs'
import { pinnedPnpm } from './pinned-pnpm.mjs'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** @returns {Promise<NodeJS.ProcessEnv>} the environment for the workspace's commands */
export async function setUp() {
  requireNode(process.versions.node)
  const env = await pinnedPnpm(root)
  await installDependencies(root, env)
  return env
}
