// Kernels that nothing is fused into: attention forward and backward, scatter, the copied pieces of a concat, and final copies.
import { rowMajorStrides, sizeOf } from '../shape.js'
import type { Cluster } from './cluster.js'
import { bind, type Touch } from './draft.js'
import { BodyBuilder } from './emit-body.js'
import { finishLoop } from './emit-loop.js'
import { definitionOf } from '../graph/definition.js'
import type { Access, AttentionSizes, CustomKernel } from './kernel.js'
import { foldAround, type Locations } from './locate.js'
import type { Memory, Store } from './memory.js'
import type { Step } from './plan.js'
import type { Value } from './value.js'
import { reshapeWalk, type Walk } from './view.js'

export function emitOpaque(cluster: Cluster, locations: Locations, memory: Memory): Step[] {
  const [value] = cluster.members
  switch (value.operation.kind) {
    case 'attention':
      return [emitAttention(value, value.operation, locations, memory)]
    case 'attentionBackward':
      return [emitAttentionBackward(value, value.operation, locations, memory)]
    case 'scatterAdd':
      return [emitScatterAdd(value, value.operation.axis, locations, memory)]
    case 'sliceScatter':
      return emitSliceScatter(value, value.operation.axis, locations, memory)
    case 'categorical':
      return [emitCategorical(value, locations, memory)]
    case 'custom':
      return [emitCustom(value, value.operation.definition, locations, memory)]
    case 'concat':
      return emitConcat(value, value.operation.axis, locations, memory)
    default:
      throw new Error(`plan: ${value.operation.kind} has no kernel of its own`)
  }
}

function readTouch(input: Value, locations: Locations, memory: Memory): Touch {
  const { base, walk } = locations.of(input)
  return { slot: memory.homeOf(base), walk: { ...walk, strides: walk.strides.map((stride, d) => (input.shape[d] === 1 ? 0 : stride)) }, shape: input.shape, written: false }
}

/** Where output `index` of an operation with several goes; a slot of its own if nobody reads it. */
function partTouch(whole: Value, index: number, shape: readonly number[], memory: Memory): Touch {
  const part = whole.users.find(user => user.operation.kind === 'part' && user.operation.index === index)
  const stores: readonly Store[] = part === undefined ? [] : memory.storesOf(part)
  if (stores.length > 1) throw new Error('plan: one output of a fused operation must be stored once')
  const [store] = stores
  if (store !== undefined) return { slot: store.slot, walk: store.walk, shape, written: true }
  const dtype = 'outputs' in whole.operation ? whole.operation.outputs[index].dtype : whole.dtype
  return { slot: memory.addSlot(dtype, sizeOf(shape)), walk: { offset: 0, strides: rowMajorStrides(shape), guards: [] }, shape, written: true }
}

function sizesOf(q: Value, k: Value, { causal, scale }: { causal: boolean; scale: number }): AttentionSizes {
  const [batch, heads, queries, headSize] = q.shape
  return { batch, heads, kvHeads: k.shape[1], queries, keys: k.shape[2], headSize, scale, causal }
}

function emitAttention(value: Value, options: Extract<Value['operation'], { kind: 'attention' }>, locations: Locations, memory: Memory): Step {
  const [q, k, v, ...rest] = value.inputs.map(input => readTouch(input, locations, memory))
  const mask = options.masked ? rest[0] : null
  const lengths = options.bounded ? rest[rest.length - 1] : null
  const out = partTouch(value, 0, value.inputs[0].shape, memory)
  const lse = partTouch(value, 1, value.inputs[0].shape.slice(0, 3), memory)
  const { bindings, regions, accessOf } = bind([q, k, v, ...rest, out, lse], memory.slots)
  const at = (touch: Touch | null): Access | null => (touch === null ? null : accessOf(touch))
  return {
    kernel: { kind: 'attention', bindings, ...sizesOf(value.inputs[0], value.inputs[1], options), q: accessOf(q), k: accessOf(k), v: accessOf(v), mask: at(mask), lengths: at(lengths), out: accessOf(out), lse: accessOf(lse) },
    regions,
    label: 'attention',
  }
}

function emitAttentionBackward(value: Value, options: { causal: boolean; scale: number }, locations: Locations, memory: Memory): Step {
  const [dOut, q, k, v, lse, delta, mask] = value.inputs.map(input => readTouch(input, locations, memory))
  const [dq, dk, dv] = [1, 2, 3].map((input, part) => partTouch(value, part, value.inputs[input].shape, memory))
  const named = { dOut, q, k, v, lse, delta, dq, dk, dv }
  const { bindings, regions, accessOf } = bind([...Object.values(named), ...(mask === undefined ? [] : [mask])], memory.slots)
  const at = (touch: Touch): Access => accessOf(touch)
  return {
    kernel: { kind: 'attentionBackward', bindings, ...sizesOf(value.inputs[1], value.inputs[2], options), q: at(q), k: at(k), v: at(v), mask: mask === undefined ? null : at(mask), dOut: at(dOut), lse: at(lse), delta: at(delta), dq: at(dq), dk: at(dk), dv: at(dv) },
    regions,
    label: 'attention backward',
  }
}

function emitScatterAdd(value: Value, axis: number, locations: Locations, memory: Memory): Step {
  const [source, index] = value.inputs.map(input => {
    const touch = readTouch(input, locations, memory)
    const shape = foldAround(input.shape, axis)
    const walk = reshapeWalk(locations.of(input).walk, input.shape, shape)
    if (walk === null) throw new Error('plan: scatterAdd operands must fold around the axis')
    return { ...touch, shape, walk }
  })
  const shape = foldAround(value.shape, axis)
  const [store] = memory.storesOf(value)
  const outWalk: Walk | null = reshapeWalk(store.walk, value.shape, shape)
  if (outWalk === null) throw new Error('plan: scatterAdd output must fold around the axis')
  const out: Touch = { slot: store.slot, walk: outWalk, shape, written: true }
  const { bindings, regions, accessOf } = bind([source, index, out], memory.slots)
  const [outer, size, inner] = shape
  return { kernel: { kind: 'scatterAdd', bindings, outer, count: value.inputs[0].shape[axis], inner, size, index: accessOf(index), source: accessOf(source), out: accessOf(out) }, regions, label: 'scatter add' }
}

/** The written rows; and before them the whole target, where it does not lie in the result's memory already. */
function emitSliceScatter(value: Value, axis: number, locations: Locations, memory: Memory): Step[] {
  const [target, values, start] = value.inputs
  const [store] = memory.storesOf(value)
  if (store === undefined) return []
  const copy = memory.inPlace.has(value) ? [] : [emitCopy(target, store, locations, memory, 'copy')]
  if (sizeOf(values.shape) === 0) return copy
  const { shape } = values
  const builder = new BodyBuilder(mapOver(shape), shape.map((_, d) => d), locations, memory)
  const size = value.shape[axis] - shape[axis] + 1
  const stride = store.walk.strides[axis]
  const walk = builder.storeWalk(store.walk, shape)
  const touch: Touch = { slot: store.slot, walk: { ...walk, strides: [...walk.strides, stride] }, shape: [...shape, size], written: true }
  const result = { value: builder.operand(values), touch, shift: { by: builder.operand(start), stride, size } }
  return [...copy, finishLoop({ shape, reduced: 0, body: builder.body, results: [result] }, memory, 'slice scatter')]
}

function emitCategorical(value: Value, locations: Locations, memory: Memory): Step {
  const [logits, uniform, temperature, topK, topP] = value.inputs.map(input => readTouch(input, locations, memory))
  const [rows, size] = value.inputs[0].shape
  const [index, logProb] = [0, 1].map(part => partTouch(value, part, [rows], memory))
  const named = { logits, uniform, temperature, topK, topP, index, logProb }
  const { bindings, regions, accessOf: at } = bind(Object.values(named), memory.slots)
  return {
    kernel: { kind: 'categorical', bindings, rows, size, logits: at(logits), uniform: at(uniform), temperature: at(temperature), topK: at(topK), topP: at(topP), index: at(index), logProb: at(logProb) },
    regions,
    label: 'categorical',
  }
}

function emitCustom(value: Value, definition: number, locations: Locations, memory: Memory): Step {
  const inputs = value.inputs.map(input => readTouch(input, locations, memory))
  const [store] = memory.storesOf(value)
  const out: Touch = { slot: store.slot, walk: store.walk, shape: value.shape, written: true }
  const { bindings, regions, accessOf } = bind([...inputs, out], memory.slots)
  const placed = (touch: Touch, { shape, dtype }: Value): CustomKernel['out'] => ({ binding: accessOf(touch).binding, offset: accessOf(touch).offset, shape, dtype })
  return { kernel: { kind: 'custom', bindings, definition, operands: inputs.map((touch, i) => placed(touch, value.inputs[i])), out: placed(out, value) }, regions, label: definitionOf(definition).name }
}

/** The pieces that their producers could not write in place. */
function emitConcat(value: Value, axis: number, locations: Locations, memory: Memory): Step[] {
  const strides = rowMajorStrides(value.shape)
  const [home] = memory.storesOf(value)
  const steps: Step[] = []
  let start = 0
  value.inputs.forEach((piece, i) => {
    const walk: Walk = { offset: start * strides[axis], strides, guards: [] }
    start += piece.shape[axis]
    if (home !== undefined && !memory.placed.has(`${value.id}:${i}`)) steps.push(emitCopy(piece, { slot: home.slot, walk }, locations, memory, 'concat'))
  })
  return steps
}

/** A map without members: everything is read. */
const mapOver = (shape: readonly number[]): Cluster => ({ kind: 'loop', shape, axes: [], members: new Set(), reads: new Set(), dependents: new Set(), level: 0, mergedInto: null, summed: null })

/** One value, wherever it is, written to a place. */
export function emitCopy(value: Value, target: Store, locations: Locations, memory: Memory, label: string): Step {
  const builder = new BodyBuilder(mapOver(value.shape), value.shape.map((_, axis) => axis), locations, memory)
  const at = builder.operand(value)
  const touch: Touch = { slot: target.slot, walk: builder.storeWalk(target.walk, value.shape), shape: value.shape, written: true }
  return finishLoop({ shape: value.shape, reduced: 0, body: builder.body, results: [{ value: at, touch }] }, memory, label)
}
