// The planner's own picture of a program: one Value per distinct computation. Equal nodes are merged; nodes that change nothing vanish.
import { isFloat, type Dtype } from '../dtype.js'
import type { Operation } from '../graph/operation.js'
import type { Program } from '../graph/program.js'
import { structureKey } from '../graph/structure-key.js'
import type { Vertex } from '../graph/vertex.js'
import type { Shape } from '../shape.js'
import { LEAST_TILED } from './kernel.js'

export interface Value {
  /** Position in the order; inputs have smaller ones. */
  readonly id: number
  readonly operation: Operation
  readonly inputs: readonly Value[]
  readonly users: Value[]
  readonly shape: Shape
  readonly dtype: Dtype
  /** Which external holds it when the run begins, if any. */
  readonly external: number | null
}

/** Is the value a matmul that devices compute by tiles, and may do something on the side? */
export function isTiled({ operation, shape, inputs }: Value): boolean {
  if (operation.kind !== 'matmul' || inputs.some(input => !isFloat(input.dtype))) return false
  const [m, n] = shape.slice(-2)
  return m >= LEAST_TILED && n >= LEAST_TILED && inputs[0].shape[inputs[0].shape.length - 1] > 0
}

export interface ValueGraph {
  readonly values: readonly Value[]
  /** For each external, the value to be left in it. */
  readonly results: readonly (Value | null)[]
}

/** Merges common subexpressions: values are equal when operation, inputs, shape and dtype are. */
export function makeValues(program: Program): ValueGraph {
  const values: Value[] = []
  const valueOf = new Map<Vertex, Value>()
  const known = new Map<string, Value>()
  const held = new Map<object, Value>()
  const externalOf = new Map(program.externals.flatMap(({ source }, i) => (source === null ? [] : [[source, i]])))
  const updated = new Set(program.externals.flatMap(({ source, result }) => (source !== null && result !== null ? [source] : [])))

  const add = (node: Vertex, inputs: readonly Value[], external: number | null): Value => {
    const value: Value = { id: values.length, operation: external === null ? node.operation : { kind: 'source' }, inputs, users: [], shape: node.shape, dtype: node.dtype, external }
    for (const input of new Set(inputs)) input.users.push(value)
    values.push(value)
    return value
  }

  for (const node of program.nodes) {
    const external = externalOf.get(node)
    if (external !== undefined) {
      // Two sources with one storage must be one value: a device may not bind the same memory twice.
      const twin = node.holding !== null && !updated.has(node) ? held.get(node.holding) : undefined
      const value = twin ?? add(node, [], external)
      if (node.holding !== null && !updated.has(node)) held.set(node.holding, value)
      valueOf.set(node, value)
      continue
    }
    const inputs = node.inputs.map(input => find(valueOf, input))
    if (node.operation.kind === 'stopGradient') {
      valueOf.set(node, inputs[0])
      continue
    }
    const key = `${structureKey(node.operation)}|${inputs.map(input => input.id).join()}|${node.shape.join()}|${node.dtype}`
    const value = known.get(key) ?? add(node, inputs, null)
    known.set(key, value)
    valueOf.set(node, value)
  }
  return { values, results: program.externals.map(({ result }) => (result === null ? null : find(valueOf, result))) }
}

export function find<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key)
  if (value === undefined) throw new Error('plan: a node must come after its inputs, got one before')
  return value
}
