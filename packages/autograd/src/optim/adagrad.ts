// Adagrad (JMLR 12:2121), with PyTorch's options.
import { full } from '@abovo/tensor-webgpu'
import { Optimizer, type Decayed, type LearningRate } from './optimizer.js'

export interface AdagradOptions {
  /** 1e-2 by default. */
  lr?: LearningRate
  /** The learning rate is divided by 1 + (step − 1)·lrDecay. */
  lrDecay?: number
  initialAccumulatorValue?: number
  eps?: number
  weightDecay?: number
  decay?: Decayed
  maximize?: boolean
}

export function adagrad<P>(parameters: P, { lr = 1e-2, lrDecay = 0, initialAccumulatorValue = 0, eps = 1e-10, weightDecay = 0, decay = 'all', maximize }: AdagradOptions = {}): Optimizer<P> {
  return new Optimizer(
    parameters,
    {
      elementwise: true,
      initial: p => ({ sum: full(p.shape, initialAccumulatorValue, { dtype: p.dtype, device: p.device }) }),
      begin: ({ learningRate, step }) => {
        const rate = lrDecay === 0 ? learningRate : learningRate.div(step.sub(1).mul(lrDecay).add(1))
        return ({ parameter, gradient, state, weightDecay }) => {
          const g = weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay))
          const sum = state.sum.add(g.square())
          return { parameter: parameter.sub(g.mul(rate).div(sum.sqrt().add(eps))), state: { sum } }
        }
      },
    },
    { lr, weightDecay, decay, maximize },
  )
}
