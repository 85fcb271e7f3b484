// The only place where nodes are made. Takes arguments already checked by ops/, works out shape and dtype of the result, and simplifies what
// costs nothing to see: constants fold, x·1 and x+0 are x. Views of views stay: a gradient may be asked for with respect to the one between.
import { withKernel } from '../devices/optional-kernels.js'
import type { Device } from '../devices/device.js'
import { isFloat, truncateTo, type Dtype } from '../dtype.js'
import type { ReduceFunction } from '../plan/kernel.js'
import { DtypeError } from '../errors.js'
import { sameShape, sizeOf, type Shape } from '../shape.js'
import { Node } from './node.js'
import type { AttentionOptions, Output } from './operation.js'
import { scalarFunctions, type ScalarFunction } from './scalar-function.js'

export const source = (shape: Shape, dtype: Dtype, device: Device): Node => new Node({ kind: 'source' }, [], shape, dtype, device)

export const constant = (value: number, shape: Shape, dtype: Dtype, device: Device): Node => new Node({ kind: 'constant', value: fit(value, dtype), literal: true }, [], shape, dtype, device)

/** A constant that keeps its identity: gradients may be asked for with respect to it. */
export const filled = (value: number, shape: Shape, dtype: Dtype, device: Device): Node => new Node({ kind: 'constant', value: fit(value, dtype), literal: false }, [], shape, dtype, device)

export const indexAlong = (axis: number, shape: Shape, device: Device): Node => new Node({ kind: 'index', axis }, [], shape, 'i32', device)

function fit(value: number, dtype: Dtype): number {
  if (dtype === 'bool') return value !== 0 ? 1 : 0
  if (dtype === 'i32') return Number.isFinite(value) ? Math.trunc(value) | 0 : 0
  if (dtype === 'u32') return Number.isFinite(value) ? Math.trunc(value) >>> 0 : 0
  return value
}

const constantOf = (node: Node): number | null => (node.operation.kind === 'constant' && node.operation.literal ? node.operation.value : null)

export function elementwise(fn: ScalarFunction, ...inputs: Node[]): Node {
  const last = inputs[inputs.length - 1]
  const definition = scalarFunctions[fn]
  const dtype = definition.result === 'same' ? last.dtype : definition.result
  const values = inputs.map(constantOf)
  if (values.every(value => value !== null)) {
    const [a, b = 0, c = 0] = values
    const value = definition.evaluate(a, b, c)
    // Integers divide and wrap by rules of their own, which the device knows.
    if (last.dtype === 'f32' || (fn !== 'div' && Number.isSafeInteger(value))) return constant(value, last.shape, dtype, last.device)
  }
  if (fn === 'mul' && values[0] === 1) return inputs[1]
  if ((fn === 'mul' || fn === 'div') && values[1] === 1) return inputs[0]
  if (fn === 'add' && values[0] === 0) return inputs[1]
  if ((fn === 'add' || fn === 'sub') && values[1] === 0) return inputs[0]
  return new Node({ kind: 'elementwise', fn }, inputs, last.shape, dtype, last.device)
}

export function cast(node: Node, dtype: Dtype): Node {
  if (node.dtype === dtype) return node
  if (!node.device.supports(dtype)) throw new DtypeError(`to: f16 must work on the device, which it does not on ${node.device.kind} (${node.device.description}); use f32 here`)
  const value = constantOf(node)
  if (value !== null) return constant(isFloat(node.dtype) && (dtype === 'i32' || dtype === 'u32') ? truncateTo(dtype, value) : value, node.shape, dtype, node.device)
  return new Node({ kind: 'cast' }, [node], node.shape, dtype, node.device)
}

export const bitcast = (node: Node, dtype: Dtype): Node => (node.dtype === dtype ? node : new Node({ kind: 'bitcast' }, [node], node.shape, dtype, node.device))

export function reshape(node: Node, shape: Shape): Node {
  if (sameShape(node.shape, shape)) return node
  const value = constantOf(node)
  if (value !== null) return constant(value, shape, node.dtype, node.device)
  return new Node({ kind: 'reshape' }, [node], shape, node.dtype, node.device)
}

export function permute(node: Node, order: readonly number[]): Node {
  if (order.every((axis, i) => axis === i)) return node
  const shape = order.map(axis => node.shape[axis])
  const value = constantOf(node)
  if (value !== null) return constant(value, shape, node.dtype, node.device)
  return new Node({ kind: 'permute', order }, [node], shape, node.dtype, node.device)
}

/** `shape` has the node's rank. */
export function expand(node: Node, shape: Shape): Node {
  if (sameShape(node.shape, shape)) return node
  const value = constantOf(node)
  if (value !== null) return constant(value, shape, node.dtype, node.device)
  return new Node({ kind: 'expand' }, [node], shape, node.dtype, node.device)
}

export function slice(node: Node, starts: readonly number[], shape: Shape, steps: readonly number[]): Node {
  if (sameShape(node.shape, shape) && steps.every((step, axis) => step === 1 || shape[axis] <= 1)) return node
  const value = constantOf(node)
  if (value !== null) return constant(value, shape, node.dtype, node.device)
  return new Node({ kind: 'slice', starts, steps }, [node], shape, node.dtype, node.device)
}

export function pad(node: Node, before: readonly number[], after: readonly number[]): Node {
  if (before.every(n => n === 0) && after.every(n => n === 0)) return node
  const shape = node.shape.map((n, axis) => before[axis] + n + after[axis])
  return new Node({ kind: 'pad', before, after }, [node], shape, node.dtype, node.device)
}

export function concat(nodes: readonly Node[], axis: number): Node {
  if (nodes.length === 1) return nodes[0]
  const shape = nodes[0].shape.map((n, d) => (d === axis ? nodes.reduce((sum, node) => sum + node.shape[axis], 0) : n))
  return new Node({ kind: 'concat', axis }, nodes, shape, nodes[0].dtype, nodes[0].device)
}

/** Reduced axes stay with size 1. Of an f32 that is rounded to halves the f32 is added up: the sum is rounded once. */
export function reduce(fn: ReduceFunction, node: Node, axes: readonly number[]): Node {
  const shape = node.shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
  if (sameShape(shape, node.shape)) return node
  const value = constantOf(node)
  const count = sizeOf(axes.map(axis => node.shape[axis]))
  if (value !== null && count > 0) {
    const result = fn === 'sum' ? value * count : fn === 'prod' ? value ** count : value
    // Integers that wrap are the device's affair.
    if (node.dtype === 'f32' || Number.isSafeInteger(result)) return constant(result, shape, node.dtype, node.device)
  }
  const unrounded = fn === 'sum' && node.dtype === 'f16' && node.operation.kind === 'cast' && node.inputs[0].dtype === 'f32' ? node.inputs[0] : node
  return new Node({ kind: 'reduce', fn, axes }, [unrounded], shape, node.dtype, node.device)
}

export function matmul(a: Node, b: Node): Node {
  return new Node({ kind: 'matmul' }, [a, b], [...a.shape.slice(0, -1), b.shape[b.shape.length - 1]], a.dtype, a.device)
}

export const gather = (node: Node, axis: number, index: Node): Node => new Node({ kind: 'gather', axis }, [node, index], index.shape, node.dtype, node.device)

export function scatterAdd(shape: Shape, axis: number, index: Node, values: Node): Node {
  // The kernel adds in memory, where halves would lose what is small.
  if (values.dtype === 'f16') return cast(new Node({ kind: 'scatterAdd', axis }, [values, index], shape, 'f32', values.device), 'f16')
  return new Node({ kind: 'scatterAdd', axis }, [values, index], shape, values.dtype, values.device)
}

/** `start` is i32 of the node's rank, every axis of size 1. */
export const sliceScatter = (node: Node, axis: number, start: Node, values: Node): Node => new Node({ kind: 'sliceScatter', axis }, [node, values, start], node.shape, node.dtype, node.device)

export const custom = (definition: number, result: Output, inputs: readonly Node[]): Node => new Node({ kind: 'custom', definition }, inputs, result.shape, result.dtype, inputs[0].device)

export function stopGradient(node: Node): Node {
  return new Node({ kind: 'stopGradient' }, [node], node.shape, node.dtype, node.device)
}

export function part(node: Node, index: number, outputs: readonly Output[]): Node {
  return new Node({ kind: 'part', index }, [node], outputs[index].shape, outputs[index].dtype, node.device)
}

/** Returns [out, lse]. */
export function attention({ q, k, v, mask, lengths }: { q: Node; k: Node; v: Node; mask: Node | null; lengths: Node | null }, options: AttentionOptions): [Node, Node] {
  const outputs = [
    { shape: q.shape, dtype: q.dtype },
    // a log of sums: halves would lose it
    { shape: q.shape.slice(0, 3), dtype: 'f32' as const },
  ]
  const inputs = [q, k, v, ...(mask === null ? [] : [mask]), ...(lengths === null ? [] : [lengths])]
  const node = new Node({ kind: 'attention', masked: mask !== null, bounded: lengths !== null, outputs, ...options }, inputs, q.shape, q.dtype, q.device)
  return [part(node, 0, outputs), part(node, 1, outputs)]
}

/** Returns [index, logProb]. */
export const categorical = /* @__PURE__ */ withKernel('categorical', ({ logits, uniform, temperature, topK, topP }: Record<'logits' | 'uniform' | 'temperature' | 'topK' | 'topP', Node>): [Node, Node] => {
  const { shape, device } = uniform
  const outputs = [{ shape, dtype: 'i32' as const }, { shape, dtype: 'f32' as const }]
  const node = new Node({ kind: 'categorical', outputs }, [logits, uniform, temperature, topK, topP], shape, 'f32', device)
  return [part(node, 0, outputs), part(node, 1, outputs)]
})

/** Returns [dq, dk, dv]. */
export const attentionBackward = /* @__PURE__ */ withKernel('attentionBackward', (operands: { dOut: Node; q: Node; k: Node; v: Node; lse: Node; delta: Node; mask: Node | null }, options: AttentionOptions): [Node, Node, Node] => {
  const { dOut, q, k, v, lse, delta, mask } = operands
  const outputs = [q, k, v].map(({ shape, dtype }) => ({ shape, dtype }))
  const inputs = [dOut, q, k, v, lse, delta, ...(mask ? [mask] : [])]
  const node = new Node({ kind: 'attentionBackward', outputs, ...options }, inputs, q.shape, q.dtype, q.device)
  return [part(node, 0, outputs), part(node, 1, outputs), part(node, 2, outputs)]
})
