// Table of contents of @abovo/autograd.
export { grad, type GradOptions } from './grad.js'
export { hessianVectorProduct, jvp, valueAndGrad, vjp } from './directional.js'
export { checkpoint } from './checkpoint.js'
export { customGradient, stopGradient, type CustomBackward } from './custom-gradient.js'
export { gradcheck, gradgradcheck, type GradcheckOptions } from './gradcheck.js'
export { GradientError } from './gradient-error.js'
export type { Gradients } from './tensor-tree.js'
export { adam, adamW, type AdamOptions } from './optim/adam.js'
export { clipGradNorm, clipGradValue, globalNorm } from './optim/clip.js'
export { Optimizer, type Decayed, type LearningRate, type OptimizerOptions, type ParameterUpdate, type StepContext, type UpdateRule } from './optim/optimizer.js'
export {
  constantSchedule, cosineSchedule, linearSchedule, noamSchedule, oneCycleSchedule, warmupCosineSchedule, warmupStableDecaySchedule, type Schedule,
} from './optim/schedule.js'
