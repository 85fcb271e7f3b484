// A node as devices see it: what is to be computed from what. Which device that is and who holds the result are no part of it.
import type { Dtype } from '../dtype.js'
import type { Shape } from '../shape.js'
import type { Operation } from './operation.js'

export interface Vertex {
  readonly operation: Operation
  readonly inputs: readonly Vertex[]
  readonly shape: Shape
  readonly dtype: Dtype
  /** Identity of the storage that holds its value, if one does. */
  readonly holding: object | null
}
