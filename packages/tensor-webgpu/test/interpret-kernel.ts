// The meaning of plan/kernel.ts in plain float64 loops, one element at a time: the oracle for the kernels of the planned devices.
// Bindings are plain number arrays; it knows nothing of speed.
import type { Dtype } from '../src/dtype.js'
import { evaluateCustom } from '../src/graph/definition.js'
import { scalarFunctions } from '../src/graph/scalar-function.js'
import { instructionLevels, type Access, type AttentionBackwardKernel, type AttentionKernel, type CategoricalKernel, type CustomKernel, type Instruction, type Kernel, type LoopKernel, type MatmulKernel, type ReduceFunction, type ScatterAddKernel } from '../src/plan/kernel.js'

type Memory = readonly { [index: number]: number }[]

const identity: Record<ReduceFunction, number> = { sum: 0, prod: 1, max: -Infinity, min: Infinity }
const words = new DataView(new ArrayBuffer(8))

export function* indices(shape: readonly number[]): Generator<number[]> {
  if (shape.some(n => n === 0)) return
  const index = shape.map(() => 0)
  for (;;) {
    yield index
    let axis = shape.length - 1
    while (axis >= 0 && ++index[axis] === shape[axis]) index[axis--] = 0
    if (axis < 0) return
  }
}

const address = (access: Access, index: readonly number[]): number => access.strides.reduce((sum, stride, d) => sum + stride * (index[d] ?? 0), access.offset)
const outside = (access: Access, index: readonly number[]): boolean => (access.guards ?? []).some(guard => index[guard.axis] < guard.from || index[guard.axis] >= guard.to)
const fetch = (memory: Memory, access: Access, index: readonly number[], shift = 0): number => (outside(access, index) ? 0 : memory[access.binding][address(access, index) + shift])

function wrap(value: number, dtype: Dtype): number {
  if (dtype === 'i32') return Number.isFinite(value) ? Number(BigInt.asIntN(32, BigInt(Math.trunc(value)))) : 0
  if (dtype === 'u32') return Number.isFinite(value) ? Number(BigInt.asUintN(32, BigInt(Math.trunc(value)))) : 0
  if (dtype === 'bool') return value !== 0 ? 1 : 0
  return value
}

function rebits(value: number, from: Dtype, to: Dtype): number {
  if (from === 'f32') words.setFloat32(0, value)
  else words.setUint32(0, value >>> 0)
  return to === 'f32' ? words.getFloat32(0) : to === 'i32' ? words.getInt32(0) : words.getUint32(0)
}

function integer(fn: string, a: number, b: number, dtype: Dtype): number | null {
  if (fn === 'mul') return wrap(Number(BigInt.asIntN(32, BigInt(a) * BigInt(b))), dtype)
  if (fn === 'div') return b === 0 ? 0 : Math.trunc(a / b)
  if (fn === 'mod') return b === 0 ? 0 : a - b * Math.floor(a / b)
  return null
}

function compute(instruction: Instruction, body: readonly Instruction[], values: readonly number[], memory: Memory, index: readonly number[], head: number): number {
  const args = 'args' in instruction ? instruction.args.map(arg => values[arg]) : []
  switch (instruction.fn) {
    case 'load':
      return fetch(memory, instruction.access, index)
    case 'gather': {
      const row = Math.min(Math.max(args[0], 0), instruction.size - 1)
      return fetch(memory, instruction.access, index, row * instruction.stride)
    }
    case 'constant':
      return instruction.value
    case 'index':
      return index[instruction.axis]
    case 'head':
      return head
    case 'cast':
      return wrap(args[0], instruction.dtype)
    case 'bitcast':
      return rebits(args[0], body[instruction.args[0]].dtype, instruction.dtype)
    case 'reduce':
      throw new Error('interpretLoop handles reduce')
    default: {
      const operand = body[instruction.args[instruction.args.length - 1]].dtype
      const exact = operand === 'i32' || operand === 'u32' ? integer(instruction.fn, args[0], args[1], operand) : null
      return wrap(exact ?? scalarFunctions[instruction.fn].evaluate(args[0], args[1] ?? 0, args[2] ?? 0), instruction.dtype)
    }
  }
}

const combine: Record<ReduceFunction, (a: number, b: number) => number> = {
  sum: (a, b) => a + b,
  prod: (a, b) => a * b,
  max: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b)),
  min: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b)),
}

function interpretLoop(kernel: LoopKernel, memory: Memory): void {
  const outer = kernel.shape.slice(0, kernel.shape.length - kernel.reduced)
  const inner = kernel.shape.slice(outer.length)
  const levels = instructionLevels(kernel)
  for (const row of indices(outer)) {
    const values: number[] = []
    const evaluate = (i: number, index: readonly number[], done: Map<number, number>): number => {
      if (levels[i] === 'row') return values[i]
      const known = done.get(i)
      if (known !== undefined) return known
      const instruction = kernel.body[i]
      const local: number[] = []
      if ('args' in instruction) for (const arg of instruction.args) local[arg] = evaluate(arg, index, done)
      const value = compute(instruction, kernel.body, local, memory, index, 0)
      done.set(i, value)
      return value
    }
    kernel.body.forEach((instruction, i) => {
      if (levels[i] !== 'row') return
      if (instruction.fn !== 'reduce') {
        values[i] = compute(instruction, kernel.body, values, memory, row, 0)
        return
      }
      let total = identity[instruction.reduce]
      for (const rest of indices(inner)) total = wrap(combine[instruction.reduce](total, evaluate(instruction.args[0], [...row, ...rest], new Map())), instruction.dtype)
      values[i] = total
    })
    const stores: [LoopKernel['results'][number], readonly number[], number][] = []
    for (const result of kernel.results) {
      if (levels[result.value] === 'row' && kernel.reduced > 0 && result.access.strides.slice(outer.length).every(s => s === 0)) stores.push([result, [...row], values[result.value]])
      else for (const rest of indices(inner)) stores.push([result, [...row, ...rest], evaluate(result.value, [...row, ...rest], new Map())])
    }
    for (const [{ access, shift }, index, value] of stores) {
      const places = shift === undefined ? 0 : Math.min(Math.max(evaluate(shift.by, index, new Map()), 0), shift.size - 1) * shift.stride
      memory[access.binding][address(access, index) + places] = value
    }
  }
}

function interpretMatmul(kernel: MatmulKernel, memory: Memory): void {
  const first = kernel.batch.map(() => 0)
  const operand = (of: 'a' | 'b', index: readonly number[]): number => {
    const values: number[] = []
    const loaded = fetch(memory, kernel[of], index)
    kernel.prologue?.[of]?.forEach((instruction, i, body) => (values[i] = compute(instruction, body, values, memory, index, loaded)))
    return values.at(-1) ?? loaded
  }
  for (const sums of kernel.columnSums ?? [])
    for (let n = 0; n < kernel.n; n++) {
      let total = 0
      for (let k = 0; k < kernel.k; k++) total += operand('b', [...first, k, n])
      memory[sums.binding][address(sums, [n])] = total
    }
  for (const index of indices([...kernel.batch, kernel.m, kernel.n])) {
    const batch = index.slice(0, -2)
    const [m, n] = index.slice(-2)
    let head = 0
    for (let k = 0; k < kernel.k; k++) head += operand('a', [...batch, m, k]) * operand('b', [...batch, k, n])
    const values: number[] = []
    kernel.body.forEach((instruction, i) => (values[i] = compute(instruction, kernel.body, values, memory, index, head)))
    for (const result of kernel.results) memory[result.access.binding][address(result.access, index)] = values[result.value]
  }
}

/** Scores of one query row, null where the key is hidden. */
function scores(kernel: AttentionKernel | AttentionBackwardKernel, memory: Memory, b: number, h: number, t: number): (number | null)[] {
  const group = Math.floor((h * kernel.kvHeads) / kernel.heads)
  const length = kernel.kind === 'attention' && kernel.lengths !== null ? Math.min(Math.max(fetch(memory, kernel.lengths, [b]), 0), kernel.keys) : kernel.keys
  return Array.from({ length: kernel.keys }, (_, s) => {
    if (s >= length || (kernel.causal && s > t + length - kernel.queries)) return null
    let dot = 0
    for (let d = 0; d < kernel.headSize; d++) dot += fetch(memory, kernel.q, [b, h, t, d]) * fetch(memory, kernel.k, [b, group, s, d])
    if (kernel.mask === null) return dot * kernel.scale
    const mask = fetch(memory, kernel.mask, [b, h, t, s])
    if (kernel.bindings[kernel.mask.binding].dtype === 'bool') return mask === 0 ? null : dot * kernel.scale
    return mask <= -1e30 ? null : dot * kernel.scale + mask
  })
}

function interpretAttention(kernel: AttentionKernel, memory: Memory): void {
  for (const [b, h, t] of indices([kernel.batch, kernel.heads, kernel.queries])) {
    const row = scores(kernel, memory, b, h, t)
    const group = Math.floor((h * kernel.kvHeads) / kernel.heads)
    const visible = row.filter(score => score !== null)
    const max = Math.max(...visible)
    const total = visible.reduce((sum, score) => sum + Math.exp(score - max), 0)
    memory[kernel.lse.binding][address(kernel.lse, [b, h, t])] = visible.length === 0 ? 0 : max + Math.log(total)
    for (let d = 0; d < kernel.headSize; d++) {
      let out = 0
      row.forEach((score, s) => (out += score === null ? 0 : (Math.exp(score - max) / total) * fetch(memory, kernel.v, [b, group, s, d])))
      memory[kernel.out.binding][address(kernel.out, [b, h, t, d])] = out
    }
  }
}

function interpretAttentionBackward(kernel: AttentionBackwardKernel, memory: Memory): void {
  const at = (access: Access, index: readonly number[]): number => address(access, index)
  for (const index of indices([kernel.batch, kernel.heads, kernel.queries, kernel.headSize])) memory[kernel.dq.binding][at(kernel.dq, index)] = 0
  for (const index of indices([kernel.batch, kernel.kvHeads, kernel.keys, kernel.headSize])) {
    memory[kernel.dk.binding][at(kernel.dk, index)] = 0
    memory[kernel.dv.binding][at(kernel.dv, index)] = 0
  }
  for (const [b, h, t] of indices([kernel.batch, kernel.heads, kernel.queries])) {
    const group = Math.floor((h * kernel.kvHeads) / kernel.heads)
    const lse = fetch(memory, kernel.lse, [b, h, t])
    const delta = fetch(memory, kernel.delta, [b, h, t])
    scores(kernel, memory, b, h, t).forEach((score, s) => {
      if (score === null) return
      const p = Math.exp(score - lse)
      let dp = 0
      for (let d = 0; d < kernel.headSize; d++) dp += fetch(memory, kernel.dOut, [b, h, t, d]) * fetch(memory, kernel.v, [b, group, s, d])
      const ds = p * (dp - delta) * kernel.scale
      for (let d = 0; d < kernel.headSize; d++) {
        memory[kernel.dv.binding][at(kernel.dv, [b, group, s, d])] += p * fetch(memory, kernel.dOut, [b, h, t, d])
        memory[kernel.dq.binding][at(kernel.dq, [b, h, t, d])] += ds * fetch(memory, kernel.k, [b, group, s, d])
        memory[kernel.dk.binding][at(kernel.dk, [b, group, s, d])] += ds * fetch(memory, kernel.q, [b, h, t, d])
      }
    })
  }
}

function interpretScatterAdd(kernel: ScatterAddKernel, memory: Memory): void {
  if (kernel.continues !== true) for (const index of indices([kernel.outer, kernel.size, kernel.inner])) memory[kernel.out.binding][address(kernel.out, index)] = 0
  for (const [o, j, i] of indices([kernel.outer, kernel.count, kernel.inner])) {
    const { first, of } = kernel.part ?? { first: 0, of: kernel.size }
    const c = Math.min(Math.max(fetch(memory, kernel.index, [o, j, i]), 0), of - 1) - first
    if (c < 0 || c >= kernel.size) continue
    memory[kernel.out.binding][address(kernel.out, [o, c, i])] += fetch(memory, kernel.source, [o, j, i])
  }
}

/** By sorting: the kernels do not. */
function interpretCategorical(kernel: CategoricalKernel, memory: Memory): void {
  for (let row = 0; row < kernel.rows; row++) {
    const logits = Array.from({ length: kernel.size }, (_, i) => fetch(memory, kernel.logits, [row, i]))
    const [uniform, temperature, topK, topP] = [kernel.uniform, kernel.temperature, kernel.topK, kernel.topP].map(access => fetch(memory, access, [row]))
    const order = logits.map((_, i) => i).sort((a, b) => logits[b] - logits[a] || a - b)
    const probabilities = softmaxOf(logits.map(logit => logit / (temperature === 0 ? 1 : temperature)))
    let likelier = 0
    const kept = order.filter((i, rank) => {
      const stays = rank === 0 || (temperature > 0 && rank < topK && (topP >= 1 || likelier < topP))
      likelier += probabilities[i]
      return stays
    }).sort((a, b) => a - b)
    let left = uniform * kept.reduce((sum, i) => sum + probabilities[i], 0)
    const index = kept.find(i => (left -= probabilities[i]) < 0) ?? kept[kept.length - 1]
    memory[kernel.index.binding][address(kernel.index, [row])] = index
    memory[kernel.logProb.binding][address(kernel.logProb, [row])] = Math.log(probabilities[index])
  }
}

function softmaxOf(values: readonly number[]): number[] {
  const max = Math.max(...values)
  const total = values.reduce((sum, value) => sum + Math.exp(value - max), 0)
  return values.map(value => Math.exp(value - max) / total)
}

function interpretCustom({ definition, operands, out }: CustomKernel, memory: Memory): void {
  const read = operands.map(({ binding, offset, shape, dtype }) => ({ shape, dtype, data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => memory[binding][offset + i]) }))
  const result = new Float64Array(out.shape.reduce((a, b) => a * b, 1))
  evaluateCustom(definition, read, result, 'the interpreter')
  result.forEach((value, i) => (memory[out.binding][out.offset + i] = value))
}

/** Runs one kernel; `memory[i]` is binding i, read and written in place. */
export function interpretKernel(kernel: Kernel, memory: Memory): void {
  if (kernel.kind === 'loop') interpretLoop(kernel, memory)
  else if (kernel.kind === 'matmul') interpretMatmul(kernel, memory)
  else if (kernel.kind === 'attention') interpretAttention(kernel, memory)
  else if (kernel.kind === 'attentionBackward') interpretAttentionBackward(kernel, memory)
  else if (kernel.kind === 'categorical') interpretCategorical(kernel, memory)
  else if (kernel.kind === 'custom') interpretCustom(kernel, memory)
  else interpretScatterAdd(kernel, memory)
}
