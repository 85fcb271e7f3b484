// RMSprop (Hinton's lecture 6e), with PyTorch's options: eps is added after the square root.
import { zerosLike } from '@abovo/tensor-webgpu'
import { Optimizer, type Decayed, type LearningRate } from './optimizer.js'

export interface RmspropOptions {
  /** 1e-2 by default. */
  lr?: LearningRate
  /** How much of the running average of squares is kept from step to step. */
  alpha?: number
  eps?: number
  momentum?: number
  /** Divide by the standard deviation of the gradient instead of its root mean square. */
  centered?: boolean
  weightDecay?: number
  decay?: Decayed
  maximize?: boolean
}

export function rmsprop<P>(parameters: P, { lr = 1e-2, alpha = 0.99, eps = 1e-8, momentum = 0, centered = false, weightDecay = 0, decay = 'all', maximize }: RmspropOptions = {}): Optimizer<P> {
  return new Optimizer(
    parameters,
    {
      elementwise: true,
      initial: p => ({ squareAvg: zerosLike(p), ...(centered && { gradAvg: zerosLike(p) }), ...(momentum > 0 && { momentumBuffer: zerosLike(p) }) }),
      begin: ({ learningRate }) => ({ parameter, gradient, state, weightDecay }) => {
        const g = weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay))
        const squareAvg = state.squareAvg.mul(alpha).add(g.square().mul(1 - alpha))
        const gradAvg = centered ? state.gradAvg.mul(alpha).add(g.mul(1 - alpha)) : null
        const spread = gradAvg === null ? squareAvg : squareAvg.sub(gradAvg.square())
        const scaled = g.div(spread.sqrt().add(eps))
        const buffer = momentum > 0 ? state.momentumBuffer.mul(momentum).add(scaled) : null
        return {
          parameter: parameter.sub((buffer ?? scaled).mul(learningRate)),
          state: { squareAvg, ...(gradAvg && { gradAvg }), ...(buffer && { momentumBuffer: buffer }) },
        }
      },
    },
    { lr, weightDecay, decay, maximize },
  )
}
