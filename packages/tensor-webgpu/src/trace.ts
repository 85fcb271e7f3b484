// What a compiled function does to cells while it is being traced. Outside of a trace an assignment waits here until something is computed.
import type { Device } from './devices/device.js'
import type { Cell, Node } from './graph/node.js'

export class Trace {
  /** Cells assigned to in this trace, with the node each held when the trace began. */
  readonly assigned = new Map<Cell, Node>()
}

let current: Trace | null = null
const pending = new Map<Device, Set<Cell>>()

export function runTraced<T>(trace: Trace, fn: () => T): T {
  const outer = current
  current = trace
  try {
    return fn()
  } finally {
    current = outer
  }
}

export const isTracing = (): boolean => current !== null

/** Gives a cell a new value: recorded by the trace, or to be computed with the next thing that is. */
export function assignCell(cell: Cell, value: Node): void {
  const { home } = cell
  if (current !== null) {
    if (!current.assigned.has(home)) current.assigned.set(home, home.node)
  } else {
    const cells = pending.get(value.device) ?? new Set<Cell>()
    pending.set(value.device, cells.add(home))
  }
  cell.node = value
}

/** Takes the cells that wait to be computed on a device. */
export function takePending(device: Device): Cell[] {
  const cells = [...(pending.get(device) ?? [])]
  pending.delete(device)
  return cells
}
