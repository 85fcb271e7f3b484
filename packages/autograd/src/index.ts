// Table of contents of @abovo/autograd.
export { grad, type GradOptions } from './grad.js'
export { GradientError } from './gradient-error.js'
export type { Gradients } from './tensor-tree.js'
