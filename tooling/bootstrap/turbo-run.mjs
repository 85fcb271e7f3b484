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
 * @returns {Map<string, number>} by task id, such as `@abovo/autograd#test`; tasks that never ran are absent
 */
export function readTasks(root) {
  const runs = existsSync(folder(root)) ? readdirSync(folder(root)).filter((name) => name.endsWith('.json')) : []
  const newest = runs.sort().at(-1)
  if (!newest) return new Map()
  /** @type {{ tasks: { taskId: string, execution?: { exitCode: number | null } }[] }} */
  const summary = JSON.parse(readFileSync(join(folder(root), newest), 'utf8'))
  return new Map(
    summary.tasks.filter(({ execution }) => execution).map(({ taskId, execution }) => [taskId, execution?.exitCode ?? 1]),
  )
}
