// `npm test`: sets everything up, then lint, build, type checks and every package's tests through turbo. The last line is
// `N passed, N failed`; the exit code is 1 if anything failed. Arguments go to turbo: `npm test -- --filter=@abovo/autograd`.
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { root, setUp } from './set-up.mjs'
import { exitWith } from './setup-error.mjs'
import { readPackageResult, render } from './test-report.mjs'
import { forgetRuns, readTasks } from './turbo-run.mjs'
import { workspacePackages } from './workspace.mjs'

/**
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
function run(command, args, env) {
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' })
  process.once('SIGINT', () => process.exit(130))
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)))
}

const env = await setUp().catch(exitWith)
const packages = workspacePackages(root)
for (const { folder } of packages) rmSync(`${folder}/test-report.json`, { force: true })
forgetRuns(root)

const failures = (await run(process.execPath, ['tooling/checks/lint.mjs'], env)) === 0 ? [] : ['lint']
const concurrency = Math.max(2, Math.floor(availableParallelism() / 2))
const turbo = ['run', 'build', 'typecheck', 'test', '--continue=dependencies-successful', '--summarize', `--concurrency=${concurrency}`]
const code = await run('turbo', [...turbo, ...process.argv.slice(2)], env)

const tasks = readTasks(root)
// a filter narrows the plan; no plan at all is turbo's own failure
const planned = packages.filter(({ name, hasTests }) => hasTests && (tasks.size === 0 || tasks.has(`${name}#test`)))
const results = planned.map(({ name, folder }) => readPackageResult(name, folder, tasks.get(`${name}#test`) ?? 1))
for (const [task, exitCode] of tasks) if (exitCode !== 0 && !task.endsWith('#test')) failures.push(task)
if (code !== 0 && failures.length === 0 && results.every(({ failed }) => failed.length === 0)) failures.push('turbo')

const { text, failed } = render(results, failures)
console.log(`\n${text}`)
process.exit(failed > 0 ? 1 : 0)
