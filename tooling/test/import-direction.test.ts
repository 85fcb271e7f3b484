import { expect, test } from 'vitest'
import { directionViolations } from '../checks/import-direction.mjs'
import { sourceFiles } from '../checks/source-files.mjs'
import { plantedWorkspace } from './planted-workspace.ts'

function violations(files: Record<string, string>): string[] {
  const root = plantedWorkspace(files)
  return directionViolations(root, sourceFiles(root))
}

test('an import of a package below is allowed', () => {
  expect(violations({ 'packages/autograd/src/grad.ts': `import { matmul } from '@abovo/tensor-webgpu'` })).toEqual([])
})

test('an import of a package above is named', () => {
  expect(violations({ 'packages/tensor-webgpu/src/tensor.ts': `import { grad } from '@abovo/autograd'` })).toEqual([
    'packages/tensor-webgpu/src/tensor.ts: @abovo/tensor-webgpu may import none of our packages, got @abovo/autograd',
  ])
})

test('an import of a type or by import() counts as well', () => {
  const found = violations({
    'packages/tensor-webgpu/src/a.ts': `import type { Rule } from '@abovo/autograd'`,
    'packages/tensor-webgpu/src/b.ts': `export const later = () => import('@abovo/autograd')`,
  })
  expect(found).toHaveLength(2)
})

test('tests may use a tokenizer, sources may not', () => {
  const found = violations({
    'packages/autograd/test/a.test.ts': `import { train } from '@abovo/tokenizer-bpe'`,
    'packages/autograd/src/a.ts': `import { train } from '@abovo/tokenizer-bpe'`,
  })
  expect(found).toEqual(['packages/autograd/src/a.ts: @abovo/autograd may import @abovo/tensor-webgpu, got @abovo/tokenizer-bpe'])
})

test('a relative import out of the package is named', () => {
  const found = violations({
    'packages/autograd/src/grad.ts': `import { shape } from '../../tensor-webgpu/src/shape.js'`,
    'packages/tensor-webgpu/src/shape.ts': '',
  })
  expect(found[0]).toContain('a relative import must stay inside packages/autograd')
})

test('an import of the own index.ts is named', () => {
  const found = violations({
    'packages/autograd/src/grad.ts': `import { rule } from './index.js'`,
    'packages/autograd/src/index.ts': '',
  })
  expect(found[0]).toContain('index.ts is for users of the package')
})

test('an import of an undeclared package is named', () => {
  expect(violations({ 'packages/autograd/src/grad.ts': `import lodash from 'lodash'` })[0]).toContain('got lodash')
})
