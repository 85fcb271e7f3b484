import { testReadme } from '../../../tooling/vitest/readme.ts'

testReadme(new URL('..', import.meta.url).pathname)
