// The arithmetic of a kernel as WGSL statements: each wanted instruction once, in order, at one place of the iteration.
import type { Access, Instruction, Result } from '../../../plan/kernel.js'
import { accessMode, addressText, loadText, resultMode, vectorBindings, type AccessMode, type Site, type StorageArrays } from './access.js'
import type { Prelude } from './prelude.js'
import { applyConstantPower, applyScalar } from './scalar.js'
import { convert, literal, registerOf, typeName, widen, type Value, type Width } from './value.js'

export interface BodyContext {
  readonly body: readonly Instruction[]
  readonly arrays: StorageArrays
  readonly prelude: Prelude
  readonly site: Site
  /** The contraction's result here, for `head`. */
  readonly head?: Value
  readonly indent: string
  /** Where the statements go. */
  readonly lines: string[]
  /** Appended to the names of this place's variables where one shader holds several places. */
  readonly suffix?: string
}

const argsOf = (instruction: Instruction): readonly number[] => ('args' in instruction ? instruction.args : [])

/** All instructions that `wanted` depend on, themselves included, without going past those for which `stop` holds. */
export function closure(body: readonly Instruction[], wanted: readonly number[], stop: (index: number) => boolean): number[] {
  const needed = new Set<number>()
  const visit = (index: number): void => {
    if (needed.has(index) || stop(index)) return
    needed.add(index)
    argsOf(body[index]).forEach(visit)
  }
  wanted.forEach(visit)
  return [...needed].sort((a, b) => a - b)
}

/** Which instructions vary along the vector axis, so that four of them are computed at once. */
export function instructionWidths(body: readonly Instruction[], shape: readonly number[], vectorAxis: number | null, reducesTo: Width): Width[] {
  const widths: Width[] = []
  for (const instruction of body) {
    const own = instruction.fn === 'head' ? vectorAxis !== null
      : instruction.fn === 'index' ? instruction.axis === vectorAxis && shape[instruction.axis] > 1
      : instruction.fn === 'load' || instruction.fn === 'gather' ? accessMode(instruction.access, shape, vectorAxis) !== 'uniform' : false
    if (instruction.fn === 'reduce') widths.push(reducesTo === 1 ? 1 : widths[instruction.args[0]])
    else widths.push(own || argsOf(instruction).some(arg => widths[arg] === 4) ? 4 : 1)
  }
  return widths
}

/** Whether a gather reads four consecutive elements: one index for all four, at aligned addresses. */
export function gathersVector(instruction: Instruction, widths: readonly Width[], shape: readonly number[], vectorAxis: number | null): boolean {
  return instruction.fn === 'gather' && instruction.stride % 4 === 0 && widths[instruction.args[0]] === 1 && accessMode(instruction.access, shape, vectorAxis) === 'vector'
}

/** The bindings of a body that become arrays of vec4. */
export function bodyVectorBindings(body: readonly Instruction[], results: readonly Result[], shape: readonly number[], vectorAxis: number | null, widths: readonly Width[]): Set<number> {
  return vectorBindings(body, results, access => accessMode(access, shape, vectorAxis), result => resultMode(result, shape, vectorAxis), index => gathersVector(body[index], widths, shape, vectorAxis))
}

function constantValue(instruction: { value: number; dtype: Instruction['dtype'] }, prelude: Prelude): Value {
  const type = registerOf(instruction.dtype)
  const text = type === 'f32' && !Number.isFinite(Math.fround(instruction.value)) ? prelude.special(instruction.value) : literal(instruction.value, type)
  return { text, type, width: 1 }
}

function indexValue(axis: number, site: Site): Value {
  if (site.shape[axis] <= 1) return { text: '0i', type: 'i32', width: 1 }
  const text = `i32(${site.index(axis)})`
  return axis === site.vectorAxis ? { text: `(${text} + vec4i(0, 1, 2, 3))`, type: 'i32', width: 4 } : { text, type: 'i32', width: 1 }
}

function gatherValue(instruction: Extract<Instruction, { fn: 'gather' }>, index: Value, context: BodyContext): Value {
  const { arrays, site } = context
  const { access, stride, size, dtype } = instruction
  if (size <= 0) return { text: registerOf(dtype) === 'bool' ? 'false' : `${registerOf(dtype)}(0)`, type: registerOf(dtype), width: 1 }
  const last = size - 1
  const clamped = index.width === 1 ? `u32(clamp(${convert(index, 'i32').text}, 0i, ${last}i))` : `vec4u(clamp(${convert(index, 'i32').text}, vec4i(0), vec4i(${last})))`
  const name = `at${context.lines.length}${context.suffix ?? ''}`
  context.lines.push(`${context.indent}let ${name} = ${clamped};`)
  const extra = (lane: number, quarter: boolean): string => ` + ${index.width === 4 ? `${name}[${lane}]` : name} * ${(quarter ? stride / 4 : stride) >>> 0}u`
  const own = accessMode(access, site.shape, site.vectorAxis)
  const mode: AccessMode = index.width === 4 ? 'scattered' : own === 'vector' && stride % 4 !== 0 ? 'scattered' : own
  return loadText(arrays, access, site, extra, mode)
}

function bitcastValue(value: Value, type: Value['type']): Value {
  const bits = value.type === 'bool' ? convert(value, 'u32') : value
  if (type === 'bool') return convert({ text: `bitcast<${typeName('u32', bits.width)}>(${bits.text})`, type: 'u32', width: bits.width }, 'bool')
  return { text: `bitcast<${typeName(type, bits.width)}>(${bits.text})`, type, width: bits.width }
}

function valueOf(instruction: Instruction, context: BodyContext, values: readonly (Value | undefined)[]): Value {
  const { arrays, prelude, site } = context
  const arg = (i: number): Value => {
    const value = values[argsOf(instruction)[i]]
    if (value === undefined) throw new Error(`kernel body: instruction ${argsOf(instruction)[i]} must come before its use`)
    return value
  }
  switch (instruction.fn) {
    case 'load': return loadText(arrays, instruction.access, site, () => '', accessMode(instruction.access, site.shape, site.vectorAxis))
    case 'gather': return gatherValue(instruction, arg(0), context)
    case 'constant': return constantValue(instruction, prelude)
    case 'index': return indexValue(instruction.axis, site)
    case 'head': if (context.head === undefined) throw new Error('kernel body: only a matmul has a head'); else return context.head
    case 'cast': {
      const value = convert(arg(0), registerOf(instruction.dtype))
      return instruction.dtype === 'f16' ? { ...value, text: `${typeName('f32', value.width)}(${value.width === 1 ? 'f16' : 'vec4<f16>'}(${value.text}))` } : value
    }
    case 'bitcast': return bitcastValue(arg(0), registerOf(instruction.dtype))
    case 'reduce': throw new Error('kernel body: a reduction is not an expression')
    case 'pow': {
      const exponent = context.body[instruction.args[1]]
      const simple = exponent.fn === 'constant' ? applyConstantPower(arg(0), exponent.value) : undefined
      return simple ?? applyScalar('pow', [arg(0), arg(1)], prelude)
    }
    default: return applyScalar(instruction.fn, instruction.args.map((_, i) => arg(i)), prelude)
  }
}

/** Writes the statements of `wanted` (ascending) and leaves each one's value in `values`. */
export function emitInstructions(wanted: readonly number[], context: BodyContext, values: (Value | undefined)[]): void {
  for (const index of wanted) {
    if (values[index] !== undefined) continue
    const instruction = context.body[index]
    const value = valueOf(instruction, context, values)
    if (instruction.fn === 'constant' || instruction.fn === 'head') {
      values[index] = value
      continue
    }
    const name = `v${index}${context.suffix ?? ''}`
    context.lines.push(`${context.indent}let ${name} = ${value.text};`)
    values[index] = { ...value, text: name }
  }
}

/** Writes the store of one result; a vector is stored whole where the binding allows. `by` is the value that a shift goes by. */
export function emitStore(result: Result, value: Value, context: BodyContext, by?: Value): void {
  const { arrays, site, lines, indent } = context
  const { binding } = result.access
  const mode = resultMode(result, site.shape, site.vectorAxis)
  const shift = writeShift(result, context, by)
  if (mode === 'uniform') return void lines.push(`${indent}${arrays.name(binding)}[${addressText(result.access, site)}${shift(1)}] = ${arrays.fromRegister(binding, value)};`)
  const wide = widen(value, 4)
  if (arrays.isVector(binding)) return void lines.push(`${indent}${arrays.name(binding)}[${addressText(result.access, site, true)}${shift(4)}] = ${arrays.fromRegister(binding, wide)};`)
  const stored = `stored${lines.length}${context.suffix ?? ''}`
  lines.push(`${indent}let ${stored} = ${arrays.fromRegister(binding, wide)};`)
  for (let lane = 0; lane < 4; lane++) lines.push(`${indent}${arrays.name(binding)}[${addressText(result.access, site, false, lane)}${shift(1)}] = ${stored}[${lane}];`)
}

/** The share of a shift in an address, in elements or in vec4s. */
function writeShift({ shift }: Result, { lines, indent, suffix = '' }: BodyContext, by: Value | undefined): (divisor: number) => string {
  if (shift === undefined) return () => ''
  if (by === undefined) throw new Error('kernel body: what a result is shifted by must be computed before it is stored')
  const name = `shift${lines.length}${suffix}`
  lines.push(`${indent}let ${name} = u32(clamp(${convert(by, 'i32').text}, 0i, ${shift.size - 1}i));`)
  return divisor => ` + ${name} * ${(shift.stride / divisor) >>> 0}u`
}

/** The instructions whose values storing needs. */
export const storedValues = (results: readonly Result[]): number[] => results.flatMap(({ value, shift }) => (shift === undefined ? [value] : [value, shift.by]))

export const accessesOf = (body: readonly Instruction[], results: readonly Result[]): Access[] => [
  ...body.flatMap(instruction => (instruction.fn === 'load' || instruction.fn === 'gather' ? [instruction.access] : [])),
  ...results.map(result => result.access),
]
