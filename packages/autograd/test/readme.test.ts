import { join } from 'node:path'
import { testReadme } from '../../../tooling/vitest/readme.ts'

testReadme(join(import.meta.dirname, '..'))
