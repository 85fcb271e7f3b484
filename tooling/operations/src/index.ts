// Table of contents: every operation, in order.
import { elementwise } from './elementwise.js'
import { indexing } from './indexing.js'
import { movement } from './movement.js'
import type { OperationCase } from './operation-case.js'
import { reductions } from './reductions.js'

export { inputsOf, valuesOf, type OperationCase, type Sample } from './operation-case.js'

/** The table that is the truth: what is not in it is not offered. */
export const operations: readonly OperationCase[] = [...elementwise, ...reductions, ...movement, ...indexing]
