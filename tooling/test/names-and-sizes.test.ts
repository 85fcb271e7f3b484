import { expect, test } from 'vitest'
import { nameAndSizeViolations, sizeReport } from '../checks/names-and-sizes.mjs'
import { sourceFiles } from '../checks/source-files.mjs'
import { plantedWorkspace } from './planted-workspace.ts'

const planted = (files: Record<string, string>) => sourceFiles(plantedWorkspace(files))

test('a file of 400 lines passes and one of 401 is named', () => {
  const files = planted({
    'packages/autograd/src/long.ts': '\n'.repeat(400),
    'packages/autograd/src/longer.ts': '\n'.repeat(401),
  })
  expect(nameAndSizeViolations(files)).toEqual([
    'packages/autograd/src/longer.ts: a file must have at most 400 lines, got 401; give its second noun a file of its own',
  ])
  expect(sizeReport(files)).toBe('2 source files, median 401 lines, longest 401 (packages/autograd/src/longer.ts)')
})

test.each(['utils.ts', 'string-utils.ts', 'helpers/one.ts', 'misc.ts', 'common/two.ts', 'shared.ts'])('%s says nothing', (name) => {
  expect(nameAndSizeViolations(planted({ [`packages/autograd/src/${name}`]: '' }))).toHaveLength(1)
})

test.each(['commonality.ts', 'database.ts', 'broadcast.ts'])('%s says something', (name) => {
  expect(nameAndSizeViolations(planted({ [`packages/autograd/src/${name}`]: '' }))).toEqual([])
})
