// Lion (arXiv 2302.06675, algorithm 2): the sign of an interpolated momentum. Wants a learning rate 3 to 10 times below AdamW's.
import { zerosLike } from '@abovo/tensor-webgpu'
import { Optimizer, type Decayed, type LearningRate } from './optimizer.js'

export interface LionOptions {
  /** 1e-4 by default. */
  lr?: LearningRate
  betas?: readonly [number, number]
  /** Decoupled, as AdamW's. */
  weightDecay?: number
  decay?: Decayed
  maximize?: boolean
}

export function lion<P>(parameters: P, { lr = 1e-4, betas: [beta1, beta2] = [0.9, 0.99], weightDecay = 0, decay = 'matrices', maximize }: LionOptions = {}): Optimizer<P> {
  return new Optimizer(
    parameters,
    {
      elementwise: true,
      initial: p => ({ expAvg: zerosLike(p) }),
      begin: ({ learningRate }) => ({ parameter, gradient: g, state: { expAvg: m }, weightDecay }) => {
        const direction = m.mul(beta1).add(g.mul(1 - beta1)).sign()
        const decayed = weightDecay === 0 ? direction : direction.add(parameter.mul(weightDecay))
        return { parameter: parameter.sub(decayed.mul(learningRate)), state: { expAvg: m.mul(beta2).add(g.mul(1 - beta2)) } }
      },
    },
    { lr, weightDecay, decay, maximize },
  )
}
