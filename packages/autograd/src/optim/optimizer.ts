// What lives during training beside the parameters: the step count, the learning rate and each parameter's running averages. How a step
// changes a parameter is an UpdateRule, one per algorithm, in the files beside this one.
import { tensor, type Tensor } from '@abovo/tensor-webgpu'
import { GradientError } from '../gradient-error.js'
import { leavesOf, type Gradients, type Leaf } from '../tensor-tree.js'

/** A learning rate: fixed (until `setLearningRate`), a scalar tensor, or a function of the number of steps done, evaluated in the graph. */
export type LearningRate = number | Tensor | ((step: Tensor) => Tensor)

export interface StepContext {
  /** Scalar. */
  readonly learningRate: Tensor
  /** Scalar f32: 1 in the first step. */
  readonly step: Tensor
}

export type ParameterState = Readonly<Record<string, Tensor>>

export interface ParameterUpdate {
  readonly parameter: Tensor
  readonly gradient: Tensor
  readonly state: ParameterState
  readonly weightDecay: number
}

/** How parameters change in a step. Pure: it takes tensors and gives tensors. */
export interface UpdateRule {
  /** The tensors kept for a parameter, as they are before the first step. */
  readonly initial: (parameter: Tensor, path: string) => ParameterState
  /** Builds what all parameters have in common in this step, such as bias corrections, and gives the update of one parameter. */
  readonly begin: (context: StepContext) => (update: ParameterUpdate) => { readonly parameter: Tensor; readonly state: ParameterState }
}

/** Which parameters weight decay applies to: those with two or more axes, all, or as a predicate says. */
export type Decayed = 'matrices' | 'all' | ((path: string, parameter: Tensor) => boolean)

export interface OptimizerOptions {
  lr: LearningRate
  weightDecay: number
  decay: Decayed
  /** Climb instead of descend. */
  maximize?: boolean | undefined
}

interface Slot extends Leaf {
  readonly weightDecay: number
  readonly state: ParameterState
}

export class Optimizer<P = unknown> {
  readonly #rule: UpdateRule
  readonly #slots: readonly Slot[]
  readonly #steps: Tensor
  readonly #rate: Tensor | ((step: Tensor) => Tensor)
  readonly #ownRate: Tensor | null
  readonly #maximize: boolean

  constructor(parameters: P, rule: UpdateRule, { lr, weightDecay, decay, maximize = false }: OptimizerOptions) {
    const leaves = leavesOf('optimizer', parameters)
    if (leaves.length === 0) throw new GradientError('optimizer: at least one parameter must be given, got none')
    const [{ tensor: first }] = leaves
    this.#rule = rule
    this.#maximize = maximize
    this.#slots = leaves.map(leaf => ({ ...leaf, weightDecay: decays(decay, leaf) ? weightDecay : 0, state: rule.initial(leaf.tensor, leaf.path) }))
    this.#steps = tensor(0, { device: first.device })
    this.#ownRate = typeof lr === 'number' ? tensor(lr, { device: first.device }) : null
    this.#rate = typeof lr === 'number' ? (this.#ownRate ?? first) : lr
  }

  /** Number of steps done, a scalar f32 tensor. */
  get steps(): Tensor {
    return this.#steps
  }

  /** The learning rate of the next step, a scalar tensor. */
  get learningRate(): Tensor {
    return typeof this.#rate === 'function' ? this.#rate(this.#steps) : this.#rate
  }

  /** Changes a learning rate that was given as a number, also for functions compiled before. */
  setLearningRate(lr: number): void {
    if (this.#ownRate === null) throw new GradientError('setLearningRate: the learning rate must have been given as a number, got a tensor or a schedule; change that instead')
    this.#ownRate.write(Float32Array.of(lr))
  }

  /**
   * Updates all parameters in place; inside a compiled function, as a part of its plan.
   *
   * @param gradients the tree of the parameters, as `grad` gives it
   * @throws GradientError when a gradient is missing or has another shape than its parameter
   */
  step(gradients: Gradients<P>): void {
    const given = leavesOf('step', gradients)
    if (given.length !== this.#slots.length) throw new GradientError(`step: one gradient for each of ${this.#slots.length} parameters is needed, got ${given.length}`)
    const learningRate = this.learningRate
    const step = this.#steps.add(1)
    const update = this.#rule.begin({ learningRate, step })
    this.#slots.forEach(({ path, tensor: parameter, weightDecay, state }, i) => {
      const gradient = given[i].tensor
      if (given[i].path !== path || gradient.shape.join() !== parameter.shape.join())
        throw new GradientError(`step: gradients must have the parameters' tree and shapes, got '${given[i].path}' (${gradient.shape.join(', ')}) for '${path}' (${parameter.shape.join(', ')})`)
      const next = update({ parameter, gradient: this.#maximize ? gradient.neg() : gradient, state, weightDecay })
      for (const [name, kept] of Object.entries(state)) kept.assign(next.state[name])
      parameter.assign(next.parameter)
    })
    this.#steps.assign(step)
  }

  /** Everything needed to go on exactly: `step`, and `NAME.PATH` for each tensor kept. The tensors are live; read them before the next step. */
  state(): Record<string, Tensor> {
    const kept = this.#slots.flatMap(({ path, state }) => Object.entries(state).map(([name, value]) => [`${name}.${path}`, value] as const))
    return { step: this.#steps, ...Object.fromEntries(kept) }
  }

  /**
   * Takes up a saved state.
   * @throws GradientError when a tensor is missing; ShapeError when one does not fit
   */
  load(saved: Readonly<Record<string, Tensor>>): void {
    for (const [name, own] of Object.entries(this.state())) {
      const value = Object.hasOwn(saved, name) ? saved[name] : undefined
      if (value === undefined) throw new GradientError(`load: the saved state must hold '${name}', got none; was it saved by another optimizer or for other parameters?`)
      own.assign(value)
    }
  }
}

function decays(decay: Decayed, { path, tensor: parameter }: Leaf): boolean {
  if (typeof decay === 'function') return decay(path, parameter)
  return decay === 'all' || parameter.rank >= 2
}
