// What lives during training beside the parameters: the step count, the learning rate and each parameter's running averages. How a step
// changes a parameter is an UpdateRule, one per algorithm, in the files beside this one.
import { tensor, where, type Tensor } from '@abovo/tensor-webgpu'
import { GradientError } from '../gradient-error.js'
import { leavesOf, type Gradients, type Leaf } from '../tensor-tree.js'
import type { UpdateRule } from './update-rule.js'
import { gradientOf, loadSlot, makeSlots, savedTensor, stateOf, type DecayedLeaf, type Slot } from './slot.js'

/** A learning rate: fixed (until `setLearningRate`), a scalar tensor, or a function of the number of steps done, evaluated in the graph. */
export type LearningRate = number | Tensor | ((step: Tensor) => Tensor)

/** Which parameters weight decay applies to: those with two or more axes, all, or as a predicate says. */
export type Decayed = 'matrices' | 'all' | ((path: string, parameter: Tensor) => boolean)

export interface OptimizerOptions {
  lr: LearningRate
  weightDecay: number
  decay: Decayed
  /** Climb instead of descend. */
  maximize?: boolean | undefined
}

export class Optimizer<P = unknown> {
  readonly #rule: UpdateRule
  readonly #leaves: readonly DecayedLeaf[]
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
    this.#leaves = leaves.map(leaf => ({ ...leaf, weightDecay: decays(decay, leaf) ? weightDecay : 0 }))
    this.#slots = makeSlots(this.#leaves, rule)
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
   * @param when a scalar: where it is false (a loss that overflowed) nothing changes, the step count neither
   * @throws GradientError when a gradient is missing or has another shape than its parameter
   */
  step(gradients: Gradients<P>, { when }: { when?: Tensor } = {}): void {
    const given = leavesOf('step', gradients)
    this.#check(given)
    const learningRate = this.learningRate
    const step = this.#steps.add(1)
    const update = this.#rule.begin({ learningRate, step })
    const put = (target: Tensor, value: Tensor): Tensor => target.assign(when === undefined ? value : where(when, value, target))
    const places = new Map(this.#leaves.map((leaf, i) => [leaf, i]))
    for (const slot of this.#slots) {
      const gradient = gradientOf(slot, slot.leaves.map(leaf => given[places.get(leaf) ?? 0].tensor))
      const { parameter, weightDecay, state } = slot
      const next = update({ parameter, gradient: this.#maximize ? gradient.neg() : gradient, state, weightDecay })
      for (const [name, kept] of Object.entries(state)) put(kept, next.state[name])
      put(parameter, next.parameter)
    }
    put(this.#steps, step)
  }

  #check(given: readonly Leaf[]): void {
    if (given.length !== this.#leaves.length) throw new GradientError(`step: one gradient for each of ${this.#leaves.length} parameters is needed, got ${given.length}`)
    this.#leaves.forEach(({ path, tensor: { shape } }, i) => {
      const { path: givenPath, tensor: gradient } = given[i]
      if (givenPath !== path || gradient.shape.join() !== shape.join())
        throw new GradientError(`step: gradients must have the parameters' tree and shapes, got '${givenPath}' (${gradient.shape.join(', ')}) for '${path}' (${shape.join(', ')})`)
    })
  }

  /** Everything needed to go on exactly: `step`, and `NAME.PATH` for each tensor kept. Read them before the next step. */
  state(): Record<string, Tensor> {
    return { step: this.#steps, ...Object.fromEntries(this.#slots.flatMap(stateOf)) }
  }

  /**
   * Takes up a saved state.
   * @throws GradientError when a tensor is missing; ShapeError when one does not fit
   */
  load(saved: Readonly<Record<string, Tensor>>): void {
    this.#steps.assign(savedTensor(saved, 'step'))
    for (const slot of this.#slots) loadSlot(slot, saved)
  }

  /** Frees what is kept beside the parameters. */
  dispose(): void {
    for (const kept of [this.#steps, ...this.#slots.flatMap(slot => Object.values(slot.state))]) kept.dispose()
  }
}

function decays(decay: Decayed, { path, tensor: parameter }: Leaf): boolean {
  if (typeof decay === 'function') return decay(path, parameter)
  return decay === 'all' || parameter.rank >= 2
}
