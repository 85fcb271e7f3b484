// One optimizer step, compiled: forward, backward, clipping and AdamW are one plan, replayed for every batch. Every trainer of this package
// has one of these and gives it a loss; which rows, how often and at what rate is the trainer's affair.
import { adamW, clipGradNorm, globalNorm, grad, type Optimizer } from '@abovo/autograd'
import type { HostTensor, StateDict } from '@abovo/nn-transformer'
import { compile, stack, Tensor, tensor, zerosLike, type Argument, type Compiled } from '@abovo/tensor-webgpu'
import { OptionError, RlhfError } from './errors.js'

export interface OptimizerSettings {
  betas?: readonly [number, number]
  eps?: number
  weightDecay?: number
  /** Gradients are scaled down to this global norm; null leaves them. */
  maxGradNorm?: number | null
}

export interface LossAndMetrics<M extends string> {
  readonly loss: Tensor
  /** Scalars. Of micro-batches they are added up, as losses are. */
  readonly metrics: Readonly<Record<M, Tensor>>
}

export interface GradientStepOptions<B, M extends string> extends OptimizerSettings {
  parameters: Readonly<Record<string, Tensor>>
  /** The names that `loss` gives, in a fixed order. */
  metrics: readonly M[]
  loss: (batch: B) => LossAndMetrics<M>
}

type Parameters = Readonly<Record<string, Tensor>>

export class GradientStep<B, M extends string> {
  readonly #names: readonly M[]
  readonly #optimizer: Optimizer<Parameters>
  readonly #whole: Compiled<[B], Tensor>
  readonly #accumulate: Compiled<[B], Tensor>
  readonly #apply: Compiled<[], Tensor>

  constructor({ parameters, metrics: names, loss, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0, maxGradNorm = 1 }: GradientStepOptions<B, M>) {
    if (maxGradNorm !== null && !(maxGradNorm > 0)) throw new OptionError(`training: maxGradNorm must be positive, got ${maxGradNorm}; null leaves gradients as they are`)
    this.#names = names
    const optimizer = adamW(parameters, { lr: 0, betas, eps, weightDecay })
    this.#optimizer = optimizer
    const update = (gradients: Parameters): Tensor => {
      const { gradients: clipped, norm } = maxGradNorm === null ? { gradients, norm: globalNorm(gradients) } : clipGradNorm(gradients, maxGradNorm)
      optimizer.step(clipped, { when: norm.isFinite() })
      return norm
    }
    this.#whole = compile((batch: B) => {
      const { loss: total, metrics } = loss(batch)
      const norm = update(grad(total, parameters))
      return stack([...names.map(name => metrics[name]), norm])
    })
    const sums = lazily(() => Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, zerosLike(parameter)])))
    this.#accumulate = compile((batch: B) => {
      const { loss: total, metrics } = loss(batch)
      const gradients: Parameters = grad(total, parameters)
      for (const [name, sum] of Object.entries(sums())) sum.assign(sum.add(gradients[name]))
      return stack(names.map(name => metrics[name]))
    })
    this.#apply = compile(() => {
      const norm = update(sums())
      for (const sum of Object.values(sums())) sum.assign(zerosLike(sum))
      return norm
    })
  }

  /**
   * Updates the parameters by the sum of the losses of these micro-batches, and frees their tensors. Nothing is read, so nothing waits. A step
   * whose gradient is not finite changes nothing; its metrics say so.
   */
  run(microBatches: readonly Argument<B>[], learningRate: number): PendingMetrics<M> {
    if (!(learningRate >= 0 && learningRate < Infinity)) throw new OptionError(`training: the learning rate must be 0 or more, and finite, got ${learningRate}`)
    this.#optimizer.setLearningRate(learningRate)
    const whole = microBatches.length === 1
    const vectors = microBatches.map(batch => (whole ? this.#whole(batch) : this.#accumulate(batch)))
    const pending = new PendingMetrics(this.#names, vectors, whole ? null : this.#apply())
    for (const batch of microBatches) disposeTensors(batch)   // copied in: their memory serves the next batch
    return pending
  }

  /** The optimizer's moments and step count, by name. */
  async state(): Promise<StateDict> {
    const live = Object.entries(this.#optimizer.state())
    const data = await Promise.all(live.map(([, value]) => value.data()))
    return new Map(live.map(([name, value], i) => [name, { shape: value.shape, data: data[i] }]))
  }

  restore(saved: StateDict): void {
    const entries = Object.entries(this.#optimizer.state()).map(([name, own]) => {
      const value = saved.get(name)
      if (value === undefined) throw new OptionError(`restore: the saved state must hold the optimizer's '${name}', got none; was it saved by another trainer?`)
      return [name, placed(value, own)] as const
    })
    this.#optimizer.load(Object.fromEntries(entries))
  }

  dispose(): void {
    for (const compiled of [this.#whole, this.#accumulate, this.#apply]) compiled.dispose()
  }
}

const placed = ({ data, shape }: HostTensor, like: Tensor): Tensor => tensor(data, { shape, dtype: like.dtype, device: like.device })

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => (made ??= { value: make() }).value
}

function disposeTensors(tree: unknown): void {
  if (Tensor.isTensor(tree)) tree.dispose()
  else if (typeof tree === 'object' && tree !== null) Object.values(tree).forEach(disposeTensors)
}

/** The metrics of a step that may still be running. */
export class PendingMetrics<M extends string> {
  readonly #names: readonly M[]
  readonly #vectors: readonly Tensor[]
  readonly #norm: Tensor | null

  constructor(names: readonly M[], vectors: readonly Tensor[], norm: Tensor | null) {
    this.#names = names
    this.#vectors = vectors
    this.#norm = norm
  }

  /** Waits for the step; once. `grad_norm` is the gradient's norm before clipping. */
  async read(): Promise<Readonly<Record<M | 'grad_norm', number>>> {
    const rows = await Promise.all(this.#vectors.map(vector => vector.data()))
    const sum = (i: number): number => rows.reduce((total, row) => total + row[i], 0)
    const norm = this.#norm === null ? sum(this.#names.length) : await this.#norm.item()
    disposeTensors([this.#vectors, this.#norm])
    return record<M | 'grad_norm'>([...this.#names.map((name, i) => [name, sum(i)] as const), ['grad_norm', norm]])
  }
}

function record<K extends string>(entries: readonly (readonly [K, number])[]): Record<K, number>
function record(entries: readonly (readonly [string, number])[]): Record<string, number> {
  return Object.fromEntries(entries)
}

/** @throws RlhfError 'diverged' when a metric is not a finite number. */
export function requireFinite<T extends Readonly<Record<string, number>>>(trainer: string, metrics: T, step: number): T {
  if (Object.values(metrics).every(Number.isFinite)) return metrics
  throw new RlhfError('diverged', `${trainer}: losses and gradients must be finite, got ${JSON.stringify(metrics, (_, value) => (Number.isFinite(value) || typeof value === 'object' ? value : String(value)))} in step ${step}, which changed nothing; lower the learning rate, or restore an earlier state`)
}
