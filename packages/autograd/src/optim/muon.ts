// Muon (kellerjordan.github.io/posts/muon): momentum made orthogonal by a Newton-Schulz iteration. For matrices of hidden layers; embeddings,
// heads, biases and norms belong to another optimizer. As PyTorch's, but for the iteration's precision: f32 here, bfloat16 there.
import { zerosLike, type Tensor } from '@abovo/tensor-webgpu'
import { GradientError } from '../gradient-error.js'
import { Optimizer, type Decayed, type LearningRate } from './optimizer.js'

export interface MuonOptions {
  /** 1e-3 by default. */
  lr?: LearningRate
  weightDecay?: number
  momentum?: number
  nesterov?: boolean
  /** a, b, c of x ↦ a·x + b·x³ + c·x⁵. */
  nsCoefficients?: readonly [number, number, number]
  nsSteps?: number
  eps?: number
  /** original: lr·√max(1, rows/columns). matchRmsAdamw: 0.2·lr·√max(rows, columns), so that AdamW's learning rates fit (arXiv 2502.16982). */
  adjustLr?: 'original' | 'matchRmsAdamw'
  decay?: Decayed
}

/** @throws GradientError when a parameter is not a matrix */
export function muon<P>(
  parameters: P,
  { lr = 1e-3, weightDecay = 0.1, momentum = 0.95, nesterov = true, nsCoefficients = [3.4445, -4.775, 2.0315], nsSteps = 5, eps = 1e-7, adjustLr = 'original', decay = 'all' }: MuonOptions = {},
): Optimizer<P> {
  const blend = (a: Tensor, b: Tensor, share: number): Tensor => a.mul(1 - share).add(b.mul(share))
  return new Optimizer(
    parameters,
    {
      initial: (p, path) => {
        if (p.rank !== 2) throw new GradientError(`muon: parameters must be matrices, got '${path}' of shape (${p.shape.join(', ')}); give it to adamW`)
        return { momentumBuffer: zerosLike(p) }
      },
      begin: ({ learningRate }) => ({ parameter, gradient, state, weightDecay }) => {
        const [rows, columns] = parameter.shape
        const buffer = blend(state.momentumBuffer, gradient, 1 - momentum)
        const direction = orthogonalized(nesterov ? blend(gradient, buffer, momentum) : buffer, nsCoefficients, nsSteps, eps)
        const ratio = adjustLr === 'original' ? Math.sqrt(Math.max(1, rows / columns)) : 0.2 * Math.sqrt(Math.max(rows, columns))
        const decayed = weightDecay === 0 ? parameter : parameter.mul(learningRate.mul(-weightDecay).add(1))
        return { parameter: decayed.sub(direction.mul(learningRate.mul(ratio))), state: { momentumBuffer: buffer } }
      },
    },
    { lr, weightDecay, decay },
  )
}

/** Singular values brought near 1: X ↦ a·X + (b·XXᵀ + c·(XXᵀ)²)·X. */
function orthogonalized(g: Tensor, [a, b, c]: readonly [number, number, number], steps: number, eps: number): Tensor {
  const tall = g.shape[0] > g.shape[1]
  const wide = tall ? g.transpose() : g
  let x = wide.div(wide.norm().maximum(eps))
  for (let i = 0; i < steps; i++) {
    const gram = x.matmul(x.transpose())
    x = x.mul(a).add(gram.mul(b).add(gram.matmul(gram).mul(c)).matmul(x))
  }
  return tall ? x.transpose() : x
}
