// One vertex of the graph: an operation, what it is applied to, and what comes out. Immutable but for the value that a run leaves on it.
import type { Device } from '../devices/device.js'
import { currentSite } from '../memory.js'
import type { Dtype } from '../dtype.js'
import type { Shape } from '../shape.js'
import type { Holding } from './holding.js'
import type { Operation } from './operation.js'

let nextId = 0

/** What a tensor handle holds: the node that is its value now. `assign` puts another node in. */
export interface Cell {
  node: Node
  /** The cell whose storage the value lies in; another one where this is a window on a packed tensor. */
  readonly home: Cell
}

/** Why a source has no value: it stands for an argument of a compiled function, or the value is gone. */
export type Absence = 'placeholder' | 'disposed' | 'overwritten' | 'packed'

export class Node {
  readonly id = nextId++
  readonly operation: Operation
  readonly inputs: readonly Node[]
  readonly shape: Shape
  readonly dtype: Dtype
  readonly device: Device
  /** The computed value, once there is one. */
  holding: Holding | null = null
  absence: Absence | null = null
  /** The line that made it, when sites are being recorded. */
  readonly site = currentSite()
  /** The cell whose value this source is, so that a compiled function finds the cell's later values. */
  cell: Cell | null = null

  constructor(operation: Operation, inputs: readonly Node[], shape: Shape, dtype: Dtype, device: Device) {
    this.operation = operation
    this.inputs = inputs
    this.shape = shape
    this.dtype = dtype
    this.device = device
  }
}
