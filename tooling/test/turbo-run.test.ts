import { expect, test } from 'vitest'
import { forgetRuns, readTasks } from '../bootstrap/turbo-run.mjs'
import { plantedWorkspace } from './planted-workspace.ts'

const summary = JSON.stringify({
  tasks: [
    { taskId: '@abovo/a#test', command: 'vitest run', execution: { exitCode: 0 } },
    { taskId: '@abovo/b#test', command: 'vitest run', execution: { exitCode: 3 } },
    { taskId: '@abovo/c#test', command: 'vitest run' },
    { taskId: '@abovo/a#sources', command: '<NONEXISTENT>' },
  ],
})

test('a planned task that never ran counts as failed', () => {
  const tasks = readTasks(plantedWorkspace({ '.turbo/runs/1.json': summary }))
  expect([...tasks]).toEqual([
    ['@abovo/a#test', 0],
    ['@abovo/b#test', 3],
    ['@abovo/c#test', 1],
  ])
})

test('runs that were forgotten say nothing', () => {
  const root = plantedWorkspace({ '.turbo/runs/1.json': summary })
  forgetRuns(root)
  expect(readTasks(root).size).toBe(0)
})
