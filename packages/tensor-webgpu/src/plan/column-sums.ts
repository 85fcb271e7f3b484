// Sums that a matmul can give on the side: an operand summed over the contraction. The gradient of a bias is one, of the operand that its weight's
// gradient reads anyway.
import { isFloat } from '../dtype.js'
import { sizeOf } from '../shape.js'
import type { Locations } from './locate.js'
import { isTiled, type Value } from './value.js'

export interface ColumnSum {
  readonly matmul: Value
  /** The operand that is summed: a (0), over its columns, or b (1), over its rows. */
  readonly operand: 0 | 1
}

/** For each such sum, the matmul that can give it. A matmul sums one of its operands only. */
export function findColumnSums(values: readonly Value[], locations: Locations): Map<Value, ColumnSum> {
  const readers = new Map<Value, Value[]>()
  for (const value of values)
    if (isTiled(value) && sizeOf(value.shape.slice(0, -2)) === 1) for (const input of value.inputs) append(readers, locations.of(input).base, value)
  const sums = new Map<Value, ColumnSum>()
  const operandOf = new Map<Value, 0 | 1>()
  for (const value of values) {
    if (value.operation.kind !== 'reduce' || value.operation.fn !== 'sum' || !isFloat(value.dtype)) continue
    for (const matmul of readers.get(locations.of(value.inputs[0]).base) ?? []) {
      const operand = operandOf.get(matmul) ?? ([1, 0] as const).find(which => isOperandSum(value, value.operation, matmul, which, locations))
      if (operand === undefined || !isOperandSum(value, value.operation, matmul, operand, locations)) continue
      operandOf.set(matmul, operand)
      sums.set(value, { matmul, operand })
      break
    }
  }
  return sums
}

function append(map: Map<Value, Value[]>, key: Value, value: Value): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [value])
  else known.push(value)
}

/** Are the elements that the reduction adds up for its i-th result those of the operand's i-th row (a) or column (b)? */
function isOperandSum(sum: Value, operation: Value['operation'], matmul: Value, which: 0 | 1, locations: Locations): boolean {
  if (operation.kind !== 'reduce') return false
  const [input] = sum.inputs
  const operand = matmul.inputs[which]
  const [from, to] = [locations.of(input), locations.of(operand)]
  if (from.base !== to.base || from.walk.offset !== to.walk.offset || from.walk.guards.length > 0 || to.walk.guards.length > 0) return false
  const rank = operand.shape.length
  const [own, k] = which === 0 ? [rank - 2, rank - 1] : [rank - 1, rank - 2]
  const axes = input.shape.map((_, axis) => axis).filter(axis => input.shape[axis] > 1)
  const kept = axes.filter(axis => !operation.axes.includes(axis))
  if (kept.length !== 1 || input.shape[kept[0]] !== operand.shape[own] || from.walk.strides[kept[0]] !== to.walk.strides[own]) return false
  return walksEvenly(axes.filter(axis => operation.axes.includes(axis)).map(axis => ({ size: input.shape[axis], stride: from.walk.strides[axis] })), operand.shape[k], to.walk.strides[k])
}

/** Do the axes together meet the elements 0, stride, 2·stride … (count - 1)·stride, each once, in whatever order? */
function walksEvenly(axes: readonly { readonly size: number; readonly stride: number }[], count: number, stride: number): boolean {
  let reach = 1
  for (const axis of [...axes].sort((a, b) => a.stride - b.stride)) {
    if (axis.stride !== reach * stride) return false
    reach *= axis.size
  }
  return reach === count
}
