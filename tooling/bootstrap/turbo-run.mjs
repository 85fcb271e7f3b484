// The exit code of every task of the last turbo run, from the summary that `turbo run --summarize` writes.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** @param {string} root */
const folder = (root) => join(root, '.turbo', 'runs')

/** @param {string} root */
export function forgetRuns(root) {
  rmSync(folder(root), { recursive: true, force: true })
}

/**
 * @param {string} root
 * @returns {Map<string, number>} by task id, such as `@abovo/autograd#test`, all that were planned: one that could not start
 * (what it depends on failed) counts as failed
 */
export function readTasks(root) {
  const runs = existsSync(folder(root)) ? readdirSync(folder(root)).filter((name) => name.endsWith('.json')) : []
  const newest = runs.sort().at(-1)
  if (!newest) return new Map()
  /** @type {{ tasks: { taskId: string, command: string, execution?: { exitCode: number | null } }[] }} */
  const { tasks } = JSON.parse(readFileSync(join(folder(root), newest), 'utf8'))
  // turbo also lists tasks that a package has no script for
  return new Map(tasks.filter(({ command }) => command !== '<NONEXISTENT>').map(({ taskId, execution }) => [taskId, execution?.exitCode ?? 1]))
}
