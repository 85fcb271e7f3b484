import { expect, test } from 'vitest'
import { importCycles } from '../checks/import-cycles.mjs'
import { sourceFiles } from '../checks/source-files.mjs'
import { plantedWorkspace } from './planted-workspace.ts'

function cycles(files: Record<string, string>): string[] {
  const root = plantedWorkspace(files)
  return importCycles(root, sourceFiles(root))
}

test('a diamond is no cycle', () => {
  const found = cycles({
    'packages/autograd/src/a.ts': `import './b.js'; import './c.js'`,
    'packages/autograd/src/b.ts': `import './d.js'`,
    'packages/autograd/src/c.ts': `import './d.js'`,
    'packages/autograd/src/d.ts': '',
  })
  expect(found).toEqual([])
})

test('a cycle that only types close is named with its road', () => {
  const found = cycles({
    'packages/autograd/src/a.ts': `import { b } from './b.js'`,
    'packages/autograd/src/b.ts': `import type { A } from './a.js'`,
  })
  expect(found).toEqual([
    'packages/autograd/src/a.ts: imports must not go in a circle, got packages/autograd/src/a.ts → packages/autograd/src/b.ts → packages/autograd/src/a.ts',
  ])
})
