// Makes loop kernels at random: shapes, layouts, guards, gathers, casts, reductions in several stages, results per row and per element,
// updates in place. Only arithmetic whose result does not hang on the last bit: comparisons and casts take exact operands.
import type { Dtype } from '../../src/dtype.js'
import type { Access, Binding, Instruction, LoopKernel, ReduceFunction, Result } from '../../src/plan/kernel.js'
import { RandomStream } from '../../src/random.js'
import { sizeOf } from '../../src/shape.js'

export interface RandomLoop {
  readonly kernel: LoopKernel
  readonly data: number[][]
}

interface Value {
  readonly dtype: Dtype
  readonly level: 'element' | 'row'
  /** Free of rounding, so that tests on it agree everywhere. */
  readonly exact: boolean
}

const SIZES = [1, 1, 2, 3, 4, 5, 7, 8, 16, 31, 33]

export function randomLoop(seed: number): RandomLoop {
  const stream = new RandomStream(seed)
  const pick = <T>(items: readonly T[]): T => items[stream.integer(items.length)]
  const chance = (p: number): boolean => stream.uniform() < p
  const shape = Array.from({ length: stream.integer(5) }, () => pick(SIZES))
  while (sizeOf(shape) > 4000) shape[shape.indexOf(Math.max(...shape))] = 2
  if (chance(0.1) && shape.length > 0) shape[stream.integer(shape.length)] = 0
  const reduced = chance(0.6) ? stream.integer(shape.length + 1) : 0
  const outer = shape.length - reduced
  const bindings: Binding[] = []
  const data: number[][] = []
  const body: Instruction[] = []
  const values: Value[] = []
  const results: Result[] = []
  const add = (instruction: Instruction, value: Value): number => {
    body.push(instruction)
    return values.push(value) - 1
  }

  /** Strides of a dense layout of the given sizes, axes in random order. */
  const layout = (sizes: readonly number[]): { strides: number[]; length: number } => {
    const order = sizes.map((_, axis) => axis)
    if (chance(0.4)) order.sort(() => stream.uniform() - 0.5)
    const strides = new Array<number>(sizes.length).fill(0)
    let length = 1
    for (const axis of order.toReversed()) {
      strides[axis] = length
      length *= Math.max(sizes[axis], 1)
    }
    return { strides, length }
  }

  const source = (dtype: Dtype, length: number): number => {
    const whole = dtype !== 'f32'
    data.push(Array.from({ length }, () => (dtype === 'bool' ? stream.integer(2) : whole ? stream.integer(20) - (dtype === 'i32' ? 10 : 0) : Math.fround(stream.uniform() * 2 - 1))))
    return bindings.push({ dtype, written: false }) - 1
  }

  const load = (): void => {
    const dtype = pick<Dtype>(['f32', 'f32', 'f32', 'i32', 'u32', 'bool'])
    const broadcast = shape.map((_, axis) => chance(0.2) || (chance(0.3) && axis >= outer))
    const ranges = shape.map(size => (chance(0.12) && size > 1 ? { from: stream.integer(size), to: 1 + stream.integer(size + 1) } : null))
    const extents = shape.map((size, axis) => (broadcast[axis] ? 1 : ranges[axis] === null ? size : Math.max(1, Math.min(ranges[axis].to, size) - ranges[axis].from)))
    const { strides: dense, length } = layout(extents)
    const strides = dense.map((stride, axis) => (broadcast[axis] ? 0 : stride))
    let offset = 0
    strides.forEach((stride, axis) => {
      const range = ranges[axis]
      if (range !== null) offset -= range.from * stride
      else if (chance(0.1) && stride > 0) {
        strides[axis] = -stride
        offset += (shape[axis] - 1) * stride
      }
    })
    const guards = ranges.flatMap((range, axis) => (range === null ? [] : [{ axis, from: range.from, to: range.to }]))
    const access: Access = { binding: source(dtype, length), offset: Math.max(offset, -1e6), strides, ...(guards.length > 0 ? { guards } : {}) }
    const varies = strides.slice(outer).some(stride => stride !== 0) || guards.some(guard => guard.axis >= outer)
    add({ fn: 'load', access, dtype }, { dtype, level: varies ? 'element' : 'row', exact: true })
  }

  const some = (accept: (value: Value) => boolean): number | null => {
    const found = values.flatMap((value, i) => (accept(value) ? [i] : []))
    return found.length === 0 ? null : pick(found)
  }
  const levelOf = (...args: readonly number[]): 'element' | 'row' => (args.some(arg => values[arg].level === 'element') ? 'element' : 'row')

  const compute = (): void => {
    const a = some(() => true)
    if (a === null) return
    const { dtype } = values[a]
    const b = some(value => value.dtype === dtype) ?? a
    const exact = values[a].exact && values[b].exact
    if (dtype === 'f32') {
      const fn = pick(['add', 'mul', 'sub', 'max', 'min', 'tanh', 'neg', 'abs', 'sigmoid', 'lt', 'where', 'sin'] as const)
      const binary = ['add', 'mul', 'sub', 'max', 'min'].includes(fn)
      if (binary) add({ fn, args: [a, b], dtype }, { dtype, level: levelOf(a, b), exact: exact && (fn === 'max' || fn === 'min') })
      else if (fn === 'lt') {
        if (exact) add({ fn, args: [a, b], dtype: 'bool' }, { dtype: 'bool', level: levelOf(a, b), exact })
      } else if (fn === 'where') {
        const condition = some(value => value.dtype === 'bool')
        if (condition !== null) add({ fn, args: [condition, a, b], dtype }, { dtype, level: levelOf(condition, a, b), exact })
      } else add({ fn, args: [a], dtype }, { dtype, level: levelOf(a), exact: exact && (fn === 'neg' || fn === 'abs') })
      return
    }
    const fn = dtype === 'bool' ? pick(['and', 'or', 'xor', 'not', 'eq'] as const) : pick(['add', 'mul', 'sub', 'max', 'div', 'mod', 'eq', 'le', 'bitXor', 'shiftRight'] as const)
    const result = ['eq', 'le', 'not'].includes(fn) ? 'bool' : dtype
    add({ fn, args: fn === 'not' ? [a] : [a, b], dtype: result }, { dtype: result, level: fn === 'not' ? levelOf(a) : levelOf(a, b), exact })
  }

  const convert = (): void => {
    const a = some(value => value.exact)
    if (a === null) return
    const to = pick<Dtype>(values[a].dtype === 'f32' ? ['i32', 'bool'] : ['i32', 'bool'])
    add({ fn: 'cast', args: [a], dtype: to }, { dtype: to, level: levelOf(a), exact: true })
    // small whole numbers as floats: products of i32 may be too long for f32
    const bool = some(value => value.dtype === 'bool')
    if (bool !== null) add({ fn: 'cast', args: [bool], dtype: 'f32' }, { dtype: 'f32', level: levelOf(bool), exact: true })
  }

  const gather = (): void => {
    const index = some(value => value.dtype === 'i32')
    if (index === null || shape.includes(0)) return
    const size = 1 + stream.integer(9)
    const kept = shape.map(() => chance(0.5))
    const { strides: dense, length } = layout([...shape.map((n, axis) => (kept[axis] ? n : 1)), size])
    const strides = dense.slice(0, shape.length).map((stride, axis) => (kept[axis] ? stride : 0))
    const access: Access = { binding: source('f32', length), offset: 0, strides }
    const varies = strides.slice(outer).some(stride => stride !== 0) || values[index].level === 'element'
    add({ fn: 'gather', access, args: [index], stride: dense[shape.length], size, dtype: 'f32' }, { dtype: 'f32', level: varies ? 'element' : 'row', exact: true })
  }

  const reduce = (): void => {
    const a = some(value => value.level === 'element')
    if (a === null || reduced === 0) return
    const { dtype, exact } = values[a]
    const fn: ReduceFunction = dtype === 'bool' ? pick(['max', 'min'] as const) : pick(['sum', 'sum', 'max', 'min'] as const)
    if (dtype !== 'f32' && shape.slice(outer).includes(0)) return
    add({ fn: 'reduce', reduce: fn, args: [a], dtype }, { dtype, level: 'row', exact: exact && fn !== 'sum' && !shape.includes(0) })
  }

  load()
  for (let i = 0; i < 4 + stream.integer(10); i++) pick([load, compute, compute, compute, convert, gather, reduce, reduce, () => index()])()

  function index(): void {
    if (shape.length === 0) return
    const axis = stream.integer(shape.length)
    add({ fn: 'index', axis, dtype: 'i32' }, { dtype: 'i32', level: axis < outer ? 'row' : 'element', exact: true })
  }

  // an update in place: the value goes back to where the first load came from
  const [first] = body
  const last = values[values.length - 1]
  const dense = first.fn === 'load' && first.access.guards === undefined && first.access.strides.every((stride, axis) => stride !== 0 || shape[axis] <= 1)
  if (first.fn === 'load' && dense && last.dtype === first.dtype && (last.level === 'element' || reduced === 0)) {
    bindings[first.access.binding] = { dtype: last.dtype, written: true }
    results.push({ value: values.length - 1, access: first.access })
  }
  const count = 1 + stream.integer(3)
  for (let i = 0; i < count; i++) {
    const value = i === 0 ? values.length - 1 : stream.integer(values.length)
    const perRow = values[value].level === 'row' && reduced > 0
    const { strides, length } = layout(perRow ? shape.slice(0, outer) : shape)
    const binding = bindings.push({ dtype: values[value].dtype, written: true }) - 1
    data.push(new Array<number>(length).fill(1))
    results.push({ value, access: { binding, offset: 0, strides: perRow ? [...strides, ...new Array<number>(reduced).fill(0)] : strides } })
  }
  return { kernel: { kind: 'loop', bindings, shape, reduced, body, results }, data }
}
