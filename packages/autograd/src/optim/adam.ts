// Adam (arXiv 1412.6980, algorithm 1) and AdamW (arXiv 1711.05101), with PyTorch's meanings and option names.
import { zerosLike, type Tensor } from '@abovo/tensor-webgpu'
import { Optimizer, type Decayed, type LearningRate } from './optimizer.js'
import type { UpdateRule } from './update-rule.js'

export interface AdamOptions {
  /** 1e-3 by default. */
  lr?: LearningRate
  /** How much of the running averages of the gradient and of its square is kept from step to step. */
  betas?: readonly [number, number]
  eps?: number
  weightDecay?: number
  /** Divide by the largest average of squares seen so far instead of the present one. */
  amsgrad?: boolean
  /** Which parameters decay. */
  decay?: Decayed
  maximize?: boolean
}

/** Adam: weight decay is added to the gradient (L2), to all parameters. */
export function adam<P>(parameters: P, { lr = 1e-3, weightDecay = 0, decay = 'all', maximize, ...options }: AdamOptions = {}): Optimizer<P> {
  return new Optimizer(parameters, adamRule({ ...options, decoupled: false }), { lr, weightDecay, decay, maximize })
}

/**
 * AdamW: weight decay shrinks the weights directly, by default those of matrices only (biases and norms are left alone; PyTorch decays all:
 * `decay: 'all'`).
 *
 * @example
 * const w = tensor([[1, 2], [3, 4]])
 * const optimizer = adamW({ w }, { lr: 0.1 })
 * optimizer.step({ w: grad(w.square().sum(), w) })
 */
export function adamW<P>(parameters: P, { lr = 1e-3, weightDecay = 0.01, decay = 'matrices', maximize, ...options }: AdamOptions = {}): Optimizer<P> {
  return new Optimizer(parameters, adamRule({ ...options, decoupled: true }), { lr, weightDecay, decay, maximize })
}

function adamRule({ betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, amsgrad = false, decoupled }: AdamOptions & { decoupled: boolean }): UpdateRule {
  return {
    elementwise: true,
    initial: p => ({ expAvg: zerosLike(p), expAvgSq: zerosLike(p), ...(amsgrad && { maxExpAvgSq: zerosLike(p) }) }),
    begin: ({ learningRate, step }) => {
      const stepSize = learningRate.div(oneMinusPower(beta1, step))       // lr / (1 − β₁ᵗ)
      const scale = oneMinusPower(beta2, step).rsqrt()                    // 1 / √(1 − β₂ᵗ)
      return ({ parameter, gradient, state, weightDecay }) => {
        const decayed = decoupled && weightDecay !== 0 ? parameter.mul(learningRate.mul(weightDecay).neg().add(1)) : parameter
        const g = !decoupled && weightDecay !== 0 ? gradient.add(parameter.mul(weightDecay)) : gradient
        const m = state.expAvg.mul(beta1).add(g.mul(1 - beta1))
        const v = state.expAvgSq.mul(beta2).add(g.mul(g).mul(1 - beta2))
        const largest = amsgrad ? state.maxExpAvgSq.maximum(v) : v
        return {
          parameter: decayed.sub(m.mul(stepSize).div(largest.sqrt().mul(scale).add(eps))),
          state: { expAvg: m, expAvgSq: v, ...(amsgrad && { maxExpAvgSq: largest }) },
        }
      }
    },
  }
}

/** 1 − βᵗ as −expm1(t·ln β): in f32, 1 − 0.999 by subtraction would lose four of seven digits. */
const oneMinusPower = (beta: number, step: Tensor): Tensor => step.mul(Math.log(beta)).expm1().neg()
