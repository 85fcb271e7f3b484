// What every primitive operation means: plain loops in float64, one element at a time. Written to be read, and to judge the other devices;
// it shares no planner and no kernel with them.
import { isFloat, roundToHalf, truncateTo, type Dtype } from '../../dtype.js'
import type { Vertex } from '../../graph/vertex.js'
import { scalarFunctions, type ScalarFunction } from '../../graph/scalar-function.js'
import type { ReduceFunction } from '../../plan/kernel.js'
import { rowMajorStrides, sizeOf, type Shape } from '../../shape.js'
import { evaluateCustom } from '../../graph/definition.js'
import { evaluateCategorical } from './evaluate-categorical.js'
import { evaluateAttention, evaluateAttentionBackward } from './evaluate-attention.js'

/** All element types are held as float64: it represents every i32 and u32 exactly. */
export type Values = Float64Array

/** Computes a node from its inputs' values; an operation with several outputs gives them all. Sums are float64; an f16 result is rounded once. */
export function evaluate(node: Vertex, inputs: readonly Values[]): Values[] {
  const results = compute(node, inputs)
  const { operation } = node
  const dtypes = 'outputs' in operation ? operation.outputs.map(output => output.dtype) : [node.dtype]
  return results.map((values, i) => (dtypes[i] === 'f16' ? values.map(roundToHalf) : values))
}

function compute(node: Vertex, inputs: readonly Values[]): Values[] {
  const { operation } = node
  switch (operation.kind) {
    case 'source':
      throw new Error('reference: a source has a value, not a computation')
    case 'constant':
      return [new Float64Array(sizeOf(node.shape)).fill(operation.value)]
    case 'index':
      return [mapIndices(node.shape, index => index[operation.axis])]
    case 'elementwise':
      return [elementwise(operation.fn, node, inputs)]
    case 'cast':
      return [cast(node.inputs[0].dtype, node.dtype, inputs[0])]
    case 'bitcast':
      return [inputs[0].map(value => rebits(value, node.inputs[0].dtype, node.dtype))]
    case 'reshape':
    case 'stopGradient':
      return [inputs[0]]
    case 'permute':
      return [readAt(node, inputs[0], index => index.reduce((at, i, d) => at + i * strides(node.inputs[0])[operation.order[d]], 0))]
    case 'expand':
      return [readAt(node, inputs[0], index => index.reduce((at, i, d) => at + (node.inputs[0].shape[d] === 1 ? 0 : i * strides(node.inputs[0])[d]), 0))]
    case 'slice':
      return [readAt(node, inputs[0], index => index.reduce((at, i, d) => at + (operation.starts[d] + i * operation.steps[d]) * strides(node.inputs[0])[d], 0))]
    case 'pad':
      return [pad(node, operation.before, inputs[0])]
    case 'concat':
      return [concat(node, operation.axis, inputs)]
    case 'reduce':
      return [reduce(operation.fn, operation.axes, node, inputs[0])]
    case 'matmul':
      return [matmul(node, inputs[0], inputs[1])]
    case 'gather':
      return [gather(node, operation.axis, inputs[0], inputs[1])]
    case 'scatterAdd':
      return [scatterAdd(node, operation.axis, inputs[0], inputs[1])]
    case 'sliceScatter':
      return [sliceScatter(node, operation.axis, inputs)]
    case 'attention':
      return evaluateAttention(node, operation, inputs)
    case 'attentionBackward':
      return evaluateAttentionBackward(node, operation, inputs)
    case 'categorical':
      return evaluateCategorical(node, inputs)
    case 'custom':
      return [custom(operation.definition, node, inputs)]
    case 'part':
      throw new Error('reference: parts are taken by the device')
  }
}

function custom(definition: number, node: Vertex, inputs: readonly Values[]): Values {
  const out = new Float64Array(sizeOf(node.shape))
  evaluateCustom(definition, node.inputs.map(({ shape, dtype }, i) => ({ shape, dtype, data: inputs[i] })), out, 'the reference')
  return out.map(value => wrapTo(node.dtype, value))
}

const strideCache = new WeakMap<Vertex, number[]>()
function strides(node: Vertex): number[] {
  const known = strideCache.get(node) ?? rowMajorStrides(node.shape)
  strideCache.set(node, known)
  return known
}

/** Calls `visit` with every index of a shape in row-major order; the array is reused. */
export function forEachIndex(shape: Shape, visit: (index: readonly number[], position: number) => void): void {
  const size = sizeOf(shape)
  const index = shape.map(() => 0)
  for (let position = 0; position < size; position++) {
    visit(index, position)
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0
  }
}

function mapIndices(shape: Shape, value: (index: readonly number[], position: number) => number): Values {
  const out = new Float64Array(sizeOf(shape))
  forEachIndex(shape, (index, position) => (out[position] = value(index, position)))
  return out
}

const readAt = (node: Vertex, input: Values, place: (index: readonly number[]) => number): Values => mapIndices(node.shape, index => input[place(index)])

/** Integers wrap around as 32-bit registers do; NaN and infinities become 0. */
export function wrapTo(dtype: Dtype, value: number): number {
  if (dtype === 'i32') return Math.trunc(value) | 0
  if (dtype === 'u32') return Math.trunc(value) >>> 0
  if (dtype === 'bool') return value !== 0 ? 1 : 0
  return value
}

function cast(from: Dtype, to: Dtype, values: Values): Values {
  if (isFloat(from) && (to === 'i32' || to === 'u32')) return values.map(value => truncateTo(to, value))
  return values.map(value => wrapTo(to, value))
}

const words = new DataView(new ArrayBuffer(4))
function rebits(value: number, from: Dtype, to: Dtype): number {
  if (from === 'f32') words.setFloat32(0, value)
  else words.setInt32(0, value | 0)
  return to === 'f32' ? words.getFloat32(0) : to === 'i32' ? words.getInt32(0) : words.getUint32(0)
}

function integerFunction(fn: ScalarFunction): ((a: number, b: number) => number) | null {
  if (fn === 'mul') return (a, b) => Math.imul(a, b)
  if (fn === 'div') return (a, b) => (b === 0 ? 0 : Math.trunc(a / b))
  if (fn === 'mod') return (a, b) => (b === 0 ? 0 : a - b * Math.floor(a / b))
  if (fn === 'pow') return integerPower
  return null
}

/** By squaring, wrapping at 32 bits; a negative exponent gives the reciprocal truncated towards zero. */
function integerPower(base: number, exponent: number): number {
  if (exponent < 0) return base === 1 ? 1 : base === -1 ? (exponent % 2 === 0 ? 1 : -1) : 0
  let power = 1
  let square = base
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = Math.imul(power, square)
    square = Math.imul(square, square)
  }
  return power
}

function elementwise(fn: ScalarFunction, node: Vertex, inputs: readonly Values[]): Values {
  const operandDtype = node.inputs[node.inputs.length - 1].dtype
  const exact = operandDtype === 'i32' || operandDtype === 'u32' ? integerFunction(fn) : null
  const compute: (a: number, b: number, c: number) => number = exact ?? scalarFunctions[fn].evaluate
  const [a, b = a, c = a] = inputs
  return a.map((value, i) => wrapTo(node.dtype, compute(value, b[i], c[i])))
}

function pad(node: Vertex, before: readonly number[], input: Values): Values {
  const inner = node.inputs[0].shape
  return mapIndices(node.shape, index => {
    const inside = index.every((i, d) => i >= before[d] && i < before[d] + inner[d])
    return inside ? input[index.reduce((at, i, d) => at + (i - before[d]) * strides(node.inputs[0])[d], 0)] : 0
  })
}

function concat(node: Vertex, axis: number, inputs: readonly Values[]): Values {
  return mapIndices(node.shape, index => {
    let along = index[axis]
    let piece = 0
    while (along >= node.inputs[piece].shape[axis]) along -= node.inputs[piece++].shape[axis]
    return inputs[piece][index.reduce((at, i, d) => at + (d === axis ? along : i) * strides(node.inputs[piece])[d], 0)]
  })
}

const identities: Record<ReduceFunction, number> = { sum: 0, prod: 1, max: -Infinity, min: Infinity }
const combine: Record<ReduceFunction, (a: number, b: number) => number> = {
  sum: (a, b) => a + b,
  prod: (a, b) => a * b,
  max: (a, b) => scalarFunctions.max.evaluate(a, b, 0),
  min: (a, b) => scalarFunctions.min.evaluate(a, b, 0),
}

function reduce(fn: ReduceFunction, axes: readonly number[], node: Vertex, input: Values): Values {
  const integer = node.dtype === 'i32' || node.dtype === 'u32'
  const join = integer && fn === 'prod' ? Math.imul : combine[fn]
  const out = new Float64Array(sizeOf(node.shape)).fill(wrapTo(node.dtype, node.dtype === 'i32' && fn === 'max' ? -(2 ** 31) : node.dtype === 'i32' && fn === 'min' ? 2 ** 31 - 1 : node.dtype === 'u32' && fn === 'min' ? 2 ** 32 - 1 : identities[fn]))
  if (node.dtype === 'bool') out.fill(fn === 'min' ? 1 : 0)
  forEachIndex(node.inputs[0].shape, (index, position) => {
    const at = index.reduce((sum, i, d) => sum + (axes.includes(d) ? 0 : i * strides(node)[d]), 0)
    out[at] = wrapTo(node.dtype, join(out[at], input[position]))
  })
  return out
}

function matmul(node: Vertex, a: Values, b: Values): Values {
  const [M, K] = node.inputs[0].shape.slice(-2)
  const N = node.shape[node.shape.length - 1]
  const batches = sizeOf(node.shape.slice(0, -2))
  const shared = node.inputs[1].shape.length === 2
  const out = new Float64Array(batches * M * N)
  for (let batch = 0; batch < batches; batch++)
    for (let m = 0; m < M; m++)
      for (let k = 0; k < K; k++) {
        const left = a[(batch * M + m) * K + k]
        const row = ((shared ? 0 : batch * K) + k) * N
        for (let n = 0; n < N; n++) out[(batch * M + m) * N + n] += left * b[row + n]
      }
  return out
}

const clampIndex = (index: number, size: number): number => Math.min(Math.max(index, 0), size - 1)

function gather(node: Vertex, axis: number, input: Values, index: Values): Values {
  const [from] = node.inputs
  return mapIndices(node.shape, (place, position) => input[place.reduce((at, i, d) => at + (d === axis ? clampIndex(index[position], from.shape[axis]) : i) * strides(from)[d], 0)])
}

function scatterAdd(node: Vertex, axis: number, values: Values, index: Values): Values {
  const out = new Float64Array(sizeOf(node.shape))
  forEachIndex(node.inputs[0].shape, (place, position) => {
    const at = place.reduce((sum, i, d) => sum + (d === axis ? clampIndex(index[position], node.shape[axis]) : i) * strides(node)[d], 0)
    out[at] = wrapTo(node.dtype, out[at] + values[position])
  })
  return out
}

function sliceScatter(node: Vertex, axis: number, [input, values, [start]]: readonly Values[]): Values {
  const out = Float64Array.from(input)
  const from = clampIndex(start, node.shape[axis] - node.inputs[1].shape[axis] + 1)
  forEachIndex(node.inputs[1].shape, (place, position) => (out[place.reduce((at, i, d) => at + (d === axis ? from + i : i) * strides(node)[d], 0)] = values[position]))
  return out
}
