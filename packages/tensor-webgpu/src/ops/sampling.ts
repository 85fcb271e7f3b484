// Drawing one class from logits, as when a language model writes its next token: temperature, then the top-k and top-p cuts (arXiv 1904.09751).
import { ShapeError } from '../errors.js'
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import { formatShape, sizeOf, type Shape } from '../shape.js'
import { broadcastTo, requireFloat, sameDevice, type Operand } from './operand.js'

/** Each one number, or a tensor that broadcasts to the rows' shape, which may differ from call to call of a compiled function. */
export interface CategoricalArguments {
  /** Divides the logits; 0 takes the likeliest. */
  temperature?: Operand
  /** Only the k likeliest; among equals the first. */
  topK?: Operand
  /** Only the likeliest that together have this probability. */
  topP?: Operand
}

/** More than any tensor has. */
const ALL = 2 ** 31 - 1

/** Logits (…, V) and a number in [0, 1) a row: the class (…) in i32 and the log of its probability, before the cuts. */
export function categorical(logits: Node, uniform: Node, { temperature = 1, topK = ALL, topP = 1 }: CategoricalArguments = {}): [index: Node, logProb: Node] {
  const where = 'categorical'
  const rank = logits.shape.length
  if (rank === 0 || logits.shape[rank - 1] === 0) throw new ShapeError(`${where}: logits must have shape (…, V) with classes to choose from, got ${formatShape(logits.shape)}`)
  const rows = logits.shape.slice(0, -1)
  sameDevice(where, [logits, uniform, ...[temperature, topK, topP].filter(given => typeof given !== 'number')])
  const perRow = (given: Operand, dtype: 'f32' | 'i32'): Node => {
    const node = build.cast(typeof given === 'number' ? build.constant(given, [], dtype, logits.device) : given, dtype)
    return build.reshape(broadcastTo(checkRows(where, node, rows), rows), [sizeOf(rows)])
  }
  const flat = build.cast(build.reshape(requireFloat(where, logits), [sizeOf(rows), logits.shape[rank - 1]]), 'f32')
  const results = build.categorical({ logits: flat, uniform: perRow(uniform, 'f32'), temperature: perRow(temperature, 'f32'), topK: perRow(topK, 'i32'), topP: perRow(topP, 'f32') })
  return [build.reshape(results[0], rows), build.reshape(results[1], rows)]
}

function checkRows(where: string, node: Node, rows: Shape): Node {
  const fits = node.shape.length <= rows.length && node.shape.every((n, i) => n === 1 || n === rows[rows.length - node.shape.length + i])
  if (!fits) throw new ShapeError(`${where}: uniform numbers and options must broadcast to the rows ${formatShape(rows)}, got ${formatShape(node.shape)}`)
  return node
}
