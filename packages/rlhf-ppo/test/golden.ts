// The folder of reference numbers that nobody in this project computed: beside the checkout, so it may be absent.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const goldenPath = process.env.ABOVO_GOLDEN_RLHF ?? fileURLToPath(new URL('../../../../shared/golden/rlhf.json', import.meta.url))
export const goldenMissing = existsSync(goldenPath) ? null : `${goldenPath} is not there: skipped`

export type Golden = Record<string, any>
export const golden: Golden = goldenMissing === null ? JSON.parse(readFileSync(goldenPath, 'utf8')) : {}
