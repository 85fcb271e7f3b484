// How an algorithm changes parameters in a step, apart from where parameters and state are kept.
import type { Tensor } from '@abovo/tensor-webgpu'

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
  /** A number, or a tensor with each element's own. */
  readonly weightDecay: number | Tensor
}

/** How parameters change in a step. Pure: it takes tensors and gives tensors. */
export interface UpdateRule {
  /** Does each element change by its own history alone? Then all parameters are updated as one flat tensor, in one kernel. */
  readonly elementwise?: boolean
  /** The tensors kept for a parameter, as they are before the first step. */
  readonly initial: (parameter: Tensor, path: string) => ParameterState
  /** Builds what all parameters have in common in this step, such as bias corrections, and gives the update of one parameter. */
  readonly begin: (context: StepContext) => (update: ParameterUpdate) => { readonly parameter: Tensor; readonly state: ParameterState }
}
