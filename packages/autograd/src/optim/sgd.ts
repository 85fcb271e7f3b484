// Stochastic gradient descent with momentum, as PyTorch has it: the first step takes the gradient undamped into the momentum buffer.
import { where, zerosLike } from '@abovo/tensor-webgpu'
import { Optimizer, type Decayed, type LearningRate } from './optimizer.js'

export interface SgdOptions {
  /** 1e-3 by default. */
  lr?: LearningRate
  momentum?: number
  /** Share of the gradient that does not enter the momentum buffer. */
  dampening?: number
  nesterov?: boolean
  /** Added to the gradient (L2). */
  weightDecay?: number
  decay?: Decayed
  maximize?: boolean
}

/**
 * @example
 * const optimizer = sgd({ w }, { lr: 0.1, momentum: 0.9, nesterov: true })
 * optimizer.step({ w: grad(loss, w) })
 */
export function sgd<P>(parameters: P, { lr = 1e-3, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0, decay = 'all', maximize }: SgdOptions = {}): Optimizer<P> {
  return new Optimizer(
    parameters,
    {
      elementwise: true,
      initial: p => ({ ...(momentum !== 0 && { momentumBuffer: zerosLike(p) }) }),
      begin: ({ learningRate, step }) => {
        const damped = dampening === 0 ? 1 : where(step.eq(1), 1, 1 - dampening)
        return ({ parameter, gradient, state, weightDecay }) => {
          const g = weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay))
          if (momentum === 0) return { parameter: parameter.sub(g.mul(learningRate)), state }
          const buffer = state.momentumBuffer.mul(momentum).add(g.mul(damped))
          const direction = nesterov ? g.add(buffer.mul(momentum)) : buffer
          return { parameter: parameter.sub(direction.mul(learningRate)), state: { momentumBuffer: buffer } }
        }
      },
    },
    { lr, weightDecay, decay, maximize },
  )
}
