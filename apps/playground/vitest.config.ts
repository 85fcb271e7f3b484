import { nodeTests } from '../../tooling/vitest/preset.ts'

export default nodeTests()
