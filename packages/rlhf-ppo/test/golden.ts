// Reference numbers made by PyTorch in float64 (test/golden, or the file ABOVO_GOLDEN_RLHF of the same form).
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const goldenPath = process.env.ABOVO_GOLDEN_RLHF ?? join(import.meta.dirname, 'golden/rlhf.json')
export const goldenMissing = existsSync(goldenPath) ? null : `${goldenPath} is not there: skipped`

// one entry of another form for every quantity: a test that misreads its entry fails
// oxlint-disable-next-line typescript/no-explicit-any
export const golden: Record<string, any> = goldenMissing === null ? JSON.parse(readFileSync(goldenPath, 'utf8')) : {}
