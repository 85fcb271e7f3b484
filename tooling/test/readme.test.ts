import { testReadme } from '../vitest/readme.ts'

testReadme(new URL('../..', import.meta.url).pathname, new URL('..', import.meta.url).pathname)
