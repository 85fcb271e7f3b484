// What a device is asked to make ready: nodes to compute, and which of them come from or go to storages outside.
import { orderNodes } from './order.js'
import type { Vertex } from './vertex.js'

/** A storage given at every run: the value of a source node, the home of a result, or both (a parameter updated in place). */
export interface External {
  /** Node whose value the storage holds when the run begins, if it is read. */
  readonly source: Vertex | null
  /** Node whose value the storage holds when the run ends, if it is written. */
  readonly result: Vertex | null
}

export interface Program {
  readonly externals: readonly External[]
  /** All nodes needed, each after its inputs. */
  readonly nodes: readonly Vertex[]
}

export function makeProgram(externals: readonly External[]): Program {
  const leaves = new Set(externals.flatMap(external => external.source ?? []))
  return { externals, nodes: orderNodes(externals.flatMap(external => external.result ?? []), node => leaves.has(node)) }
}
