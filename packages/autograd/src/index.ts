// Table of contents of @abovo/autograd.
export { grad, type GradOptions } from './grad.js'
export { GradientError } from './gradient-error.js'
export type { Gradients } from './tensor-tree.js'
export { adam, adamW, type AdamOptions } from './optim/adam.js'
export { clipGradNorm, clipGradValue, globalNorm } from './optim/clip.js'
export { Optimizer, type Decayed, type LearningRate, type UpdateRule } from './optim/optimizer.js'
export * from './optim/schedule.js'
