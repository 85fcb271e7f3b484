import { expect, test } from 'vitest'
import { withoutUnused } from '../../src/devices/webgpu/wgsl/unused.js'

test('a name that nothing refers to is not declared, nor what only it needed', () => {
  expect(withoutUnused(['let a = local;', 'let b = a + 1u;', 'let c = 2u;', 'out[c] = 1.0;'])).toEqual(['let c = 2u;', 'out[c] = 1.0;'])
})

test('variables, and lines of several statements, stay', () => {
  const lines = ['var sum = 0.0;', 'let own = 1u; let kk = 2u;']
  expect(withoutUnused(lines)).toEqual(lines)
})

test('a name is not another that contains it', () => {
  expect(withoutUnused(['let n = 1u;', 'let n0 = 2u;', 'out[n0] = 1.0;'])).toEqual(['let n0 = 2u;', 'out[n0] = 1.0;'])
})
