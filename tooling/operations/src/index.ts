// Table of contents: every operation, in order.
import { creation } from './creation.js'
import { edges } from './edges.js'
import { elementwise } from './elementwise.js'
import { indexing } from './indexing.js'
import { movement } from './movement.js'
import type { OperationCase } from './operation-case.js'
import { reductions } from './reductions.js'

export { inputsAs, inputsOf, valuesOf, type OperationCase, type Sample } from './operation-case.js'

/** The table that is the truth: what is not in it is not offered. */
export const operations: readonly OperationCase[] = [...elementwise, ...reductions, ...movement, ...indexing, ...creation, ...edges]

/** Names of the operations that have a derivative, each once. */
export const differentiableOperations = (): string[] => [...new Set(operations.flatMap(operation => (operation.differentiable ? operation.name : [])))]
