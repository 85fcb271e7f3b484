import { nodeTests } from '../../tooling/vitest/preset.ts'

export default nodeTests({ globalSetup: ['test/browser/build-page.ts'], testTimeout: 60_000, hookTimeout: 60_000 })
