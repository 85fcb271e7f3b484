// The folder of reference numbers that nobody in this project computed: beside the checkout, so it may be absent.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const goldenPath = process.env.ABOVO_GOLDEN_RLHF ?? fileURLToPath(new URL('../../../../shared/golden/rlhf.json', import.meta.url))
export const goldenMissing = existsSync(goldenPath) ? null : `${goldenPath} is not there: skipped`

// one entry of another form for every quantity: a test that misreads its entry fails
// oxlint-disable-next-line typescript/no-explicit-any
export const golden: Record<string, any> = goldenMissing === null ? JSON.parse(readFileSync(goldenPath, 'utf8')) : {}
