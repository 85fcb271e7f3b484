import { nodeTests } from '../vitest/preset.ts'

export default nodeTests()
