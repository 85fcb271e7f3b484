// Adafactor (arXiv 1804.04235, algorithm 4), as PyTorch has it: the second moment of a matrix is kept as one vector of rows and one of columns.
import { zeros, zerosLike, type Tensor } from '@abovo/tensor-webgpu'
import { Optimizer, type Decayed, type LearningRate } from './optimizer.js'
import type { ParameterState } from './update-rule.js'

export interface AdafactorOptions {
  /** 1e-2 by default: the upper bound of the relative step 1/√t. */
  lr?: LearningRate
  /** The average of squares keeps 1 − tᵝ of itself in step t. */
  beta2Decay?: number
  /** Floors of the second moment (by default the f32 machine epsilon) and of the parameter's root mean square. */
  eps?: readonly [number, number]
  /** Updates whose root mean square is above d are scaled down to it. */
  d?: number
  weightDecay?: number
  decay?: Decayed
  maximize?: boolean
}

export function adafactor<P>(parameters: P, { lr = 1e-2, beta2Decay = -0.8, eps: [eps1, eps2] = [2 ** -23, 1e-3], d = 1, weightDecay = 0, decay = 'all', maximize }: AdafactorOptions = {}): Optimizer<P> {
  return new Optimizer(
    parameters,
    {
      initial: initialMoments,
      begin: ({ learningRate, step }) => {
        const share = step.pow(beta2Decay)
        const relativeStep = step.rsqrt().minimum(learningRate)
        const blend = (average: Tensor, now: Tensor): Tensor => average.add(now.sub(average).mul(share))
        return ({ parameter, gradient: g, state, weightDecay }) => {
          const size = rootMeanSquare(parameter).maximum(eps2).mul(relativeStep)
          const decayed = weightDecay === 0 ? parameter : parameter.mul(learningRate.mul(-weightDecay).add(1))
          const squared = g.square()
          const next: Record<string, Tensor> = {}
          let estimate: Tensor
          if (g.rank > 1) {
            next.rowVar = blend(state.rowVar, squared.mean({ axis: -1, keepdim: true }))
            next.colVar = blend(state.colVar, squared.mean({ axis: -2, keepdim: true }))
            estimate = next.rowVar.mul(next.colVar).div(next.rowVar.mean({ axis: -2, keepdim: true }).clamp({ min: eps1 }))
          } else {
            next.variance = blend(state.variance, squared)
            estimate = next.variance
          }
          const update = estimate.clamp({ min: eps1 * eps1 }).rsqrt().mul(g)
          const excess = rootMeanSquare(update).div(d).maximum(1)
          return { parameter: decayed.sub(update.mul(size.div(excess))), state: next }
        }
      },
    },
    { lr, weightDecay, decay, maximize },
  )
}

function initialMoments(p: Tensor): ParameterState {
  if (p.rank < 2) return { variance: zerosLike(p) }
  const like = { dtype: p.dtype, device: p.device }
  return { rowVar: zeros([...p.shape.slice(0, -1), 1], like), colVar: zeros([...p.shape.slice(0, -2), 1, p.shape[p.rank - 1]], like) }
}

const rootMeanSquare = (x: Tensor): Tensor => x.square().mean().sqrt()
