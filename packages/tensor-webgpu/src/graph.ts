// Second entry point, `@abovo/tensor-webgpu/graph`: the graph itself, for code that transforms it (gradients) or inspects it.
export { gradientOfCustom } from './define-operation.js'
export { Node } from './graph/node.js'
export { concatPadded, paddedSize, pieceOf } from './graph/cell.js'
export * as build from './graph/build.js'
export { orderNodes } from './graph/order.js'
export type { AttentionOptions, Operation, OperationKind, Output } from './graph/operation.js'
export { scalarFunctions, type ScalarFunction } from './graph/scalar-function.js'
