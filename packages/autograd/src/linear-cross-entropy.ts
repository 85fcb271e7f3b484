// Softmax cross-entropy of a language model's output layer in chunks of rows: the logits of a large vocabulary never exist whole. As in Liger
// Kernel (arXiv 2410.10989), a chunk's gradients are taken while its logits are there, so that nothing is computed twice. Small outputs need
// none of this: crossEntropy(hidden.matmul(weight.transpose()), targets) is the same number.
import { arange, concat, crossEntropy, ShapeError, where, zerosLike, type Dtype, type Tensor } from '@abovo/tensor-webgpu'
import { customGradient } from './custom-gradient.js'

export interface LinearCrossEntropyOptions {
  /** Rows whose logits, and then their gradients, exist at a time. */
  chunk?: number
  reduction?: 'mean' | 'sum'
  /** Rows with this target count neither in the sum nor in the mean. */
  ignoreIndex?: number
  /** Weight of the uniform distribution mixed into the target. arXiv 1512.00567. */
  labelSmoothing?: number
  /** false where no gradient will be taken, as in evaluation: then none is computed. */
  gradients?: boolean
}

/**
 * crossEntropy(hidden · weightᵀ, targets) and its gradients, with no more than `chunk` rows of logits in memory.
 *
 * @param hidden (…, C)
 * @param weight (V, C), as Linear and tied embeddings hold it
 * @param targets (…) integers, each a class or `ignoreIndex`
 * @throws ShapeError when the shapes do not fit one another.
 * @example
 * const loss = linearCrossEntropy(hidden, embedding.weight, targets)   // hidden (B, T, C), weight (V, C), targets (B, T)
 * const [dHidden, dWeight] = grad(loss, [hidden, embedding.weight])
 */
export function linearCrossEntropy(hidden: Tensor, weight: Tensor, targets: Tensor, { chunk = 512, gradients = true, ...options }: LinearCrossEntropyOptions = {}): Tensor {
  checkOperands(hidden, weight, targets, chunk)
  const N = targets.size
  const starts = Array.from({ length: Math.max(1, Math.ceil(N / chunk)) }, (_, i) => i * chunk)
  const rowsOf = (x: Tensor, first: number): Tensor => x.narrow(0, first, Math.min(chunk, N - first))
  const head = new Head(targets.reshape([N]), options)
  const flat = hidden.reshape([N, weight.shape[1]])   // (N, C)

  if (!gradients || starts.length === 1) {
    return starts.reduce((loss: Tensor | null, first) => {
      const { part } = head.loss(rowsOf(flat, first), weight, first, loss)
      return loss === null ? part : loss.add(part)
    }, null) ?? flat.sum()
  }
  const dHidden: Tensor[] = []
  let dWeight: Tensor | null = null
  const forward = (x: Tensor, w: Tensor): Tensor => {
    let loss: Tensor | null = null
    for (const first of starts) {
      const rows = rowsOf(x, first)
      const { part, logits } = head.loss(rows, w, first, dWeight)
      const dLogits = head.gradient(logits, first)   // (n, V)
      dHidden.push(dLogits.matmul(w))
      const dw: Tensor = dLogits.transpose().matmul(rows).to('f32')   // (V, C)
      dWeight = dWeight === null ? dw : dw.add(dWeight)
      loss = loss === null ? part : loss.add(part)
    }
    return loss ?? x.sum()
  }
  // The mean's 1/N comes last: halves hold a probability, but not its N-th part.
  const scaled = (x: Tensor, gradient: Tensor, dtype: Dtype): Tensor => x.to('f32').mul(head.scale === null ? gradient : gradient.mul(head.scale)).to(dtype)
  return customGradient(forward, ({ gradient }) => [scaled(concat(dHidden, 0), gradient, flat.dtype), dWeight === null ? null : scaled(dWeight, gradient, weight.dtype)])(flat, weight)
}

/** What one chunk of rows contributes to the loss, and the derivative of that by its logits. */
class Head {
  readonly #target: Tensor
  readonly #options: { readonly ignoreIndex: number; readonly labelSmoothing: number }
  /** What each counted row's loss is multiplied by; null for 1. */
  readonly scale: Tensor | null

  constructor(target: Tensor, { reduction = 'mean', ignoreIndex = -100, labelSmoothing = 0 }: LinearCrossEntropyOptions) {
    this.#target = target
    this.#options = { ignoreIndex, labelSmoothing }
    this.scale = reduction === 'sum' ? null : target.ne(ignoreIndex).to('f32').sum().reciprocal()
  }

  /** `ahead` must be there before the chunk's logits are computed. */
  loss(rows: Tensor, weight: Tensor, first: number, ahead: Tensor | null): { part: Tensor; logits: Tensor } {
    const product = rows.matmul(weight.transpose())   // (n, V)
    const logits = ahead === null ? product : where(alwaysTrue(ahead), product, zerosLike(product))
    const sum = crossEntropy(logits, this.#targetOf(logits, first), { reduction: 'sum', ...this.#options })
    return { part: this.scale === null ? sum : sum.mul(this.scale), logits }
  }

  /** Of the sum of the rows' losses. */
  gradient(logits: Tensor, first: number): Tensor {
    const { ignoreIndex, labelSmoothing } = this.#options
    const V = logits.shape[1]
    const target = this.#targetOf(logits, first).unsqueeze(1)                     // (n, 1)
    const hit = arange(V, undefined, 1, { device: logits.device }).eq(target.to('i32'))   // (n, V)
    const wanted = where(hit, 1 - labelSmoothing + labelSmoothing / V, labelSmoothing / V)
    const wide = logits.to('f32')
    const slope = wide.sub(wide.logSumExp({ axis: 1, keepdim: true })).exp().sub(wanted)
    return where(target.ne(ignoreIndex), slope, zerosLike(slope)).to(logits.dtype)
  }

  #targetOf(logits: Tensor, first: number): Tensor {
    return this.#target.narrow(0, first, logits.shape[0])
  }
}

function checkOperands(hidden: Tensor, weight: Tensor, targets: Tensor, chunk: number): void {
  const shape = (x: Tensor): string => `(${x.shape.join(', ')})`
  if (hidden.rank === 0 || weight.rank !== 2 || weight.shape[1] !== hidden.shape[hidden.rank - 1] || targets.shape.join() !== hidden.shape.slice(0, -1).join())
    throw new ShapeError(`linearCrossEntropy: shapes must be hidden (…, C), weight (V, C) and targets (…), got ${shape(hidden)}, ${shape(weight)} and ${shape(targets)}`)
  if (!(Number.isInteger(chunk) && chunk > 0)) throw new ShapeError(`linearCrossEntropy: chunk must be a positive integer, got ${chunk}`)
}

/**
 * A condition that holds whatever the value is, but that nobody knows before it is there. Behind it the logits of one chunk wait for the one ahead,
 * whose memory then serves them; a planner may compute independent chunks all at once.
 */
function alwaysTrue(value: Tensor): Tensor {
  const first = value.flatten().narrow(0, 0, 1).squeeze(0)
  return first.to('f32').bitcast('u32').le(0xffffffff)
}
