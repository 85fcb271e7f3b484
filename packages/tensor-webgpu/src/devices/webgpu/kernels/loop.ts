// Loop kernels as WGSL: maps, reductions and row programs. A row is computed by `lanes` invocations in as many passes over its elements as
// its reductions depend on each other; each pass computes only what it needs. A map is a row program without passes.
import { instructionLevels, type Access, type Instruction, type LoopKernel } from '../../../plan/kernel.js'
import { withoutUnused } from '../wgsl/unused.js'
import type { GpuTraits } from '../traits.js'
import { StorageArrays, type Site } from '../wgsl/access.js'
import { accessesOf, bodyVectorBindings, closure, emitInstructions, emitStore, instructionWidths, storedValues, type BodyContext } from '../wgsl/body.js'
import { Prelude } from '../wgsl/prelude.js'
import { combine, foldVector, reduceIdentity } from '../wgsl/reduce.js'
import { convert, registerOf, typeName, widen, type Register, type Value, type Width } from '../wgsl/value.js'
import { foldWorkgroups, loopStart, splitIndex, times, workgroupNumber, type GpuProgram, usesHalves } from './gpu-program.js'
import { chooseLoop, type LoopChoice } from './loop-choice.js'
import { simplifyLoop } from './simplify.js'

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)
type Reduce = Extract<Instruction, { fn: 'reduce' }>

/** For each instruction, how many reductions one after the other it rests on. */
function reduceDepths(body: readonly Instruction[]): number[] {
  const depths: number[] = []
  for (const instruction of body) {
    const below = Math.max(0, ...('args' in instruction ? instruction.args.map(arg => depths[arg]) : []))
    depths.push(below + (instruction.fn === 'reduce' ? 1 : 0))
  }
  return depths
}

/** The kernel in the form that shaders are written for, or null where it has no rows. */
export function loopForm(original: LoopKernel): LoopKernel | null {
  const kernel = simplifyLoop(original)
  return product(kernel.shape.slice(0, kernel.shape.length - kernel.reduced)) === 0 ? null : kernel
}

export function loopProgram(original: LoopKernel, traits: GpuTraits, forced?: Partial<LoopChoice>): GpuProgram | null {
  const kernel = loopForm(original)
  return kernel === null ? null : new LoopWriter(kernel, { ...chooseLoop(kernel, traits), ...forced }, traits).program()
}

class LoopWriter {
  readonly #kernel: LoopKernel
  readonly #choice: LoopChoice
  readonly #traits: GpuTraits
  readonly #outer: number
  readonly #levels: ('element' | 'row')[]
  readonly #arrays: StorageArrays
  readonly #prelude = new Prelude()
  readonly #lines: string[] = []
  readonly #values: (Value | undefined)[]
  readonly #site: Site
  /** Do some invocations repeat the last row, since all must reach the barriers? Then `stores` tells the others. */
  #hasSurplus = false
  readonly #shared = new Map<string, { type: Register; width: Width }>()

  constructor(kernel: LoopKernel, choice: LoopChoice, traits: GpuTraits) {
    this.#kernel = kernel
    this.#choice = choice
    this.#traits = traits
    this.#outer = kernel.shape.length - kernel.reduced
    this.#levels = instructionLevels(kernel)
    this.#values = new Array<Value | undefined>(kernel.body.length).fill(undefined)
    const { vectorAxis } = choice
    const widths = instructionWidths(kernel.body, kernel.shape, vectorAxis, this.#vectorWithinRow ? 1 : 4)
    this.#arrays = new StorageArrays(kernel.bindings, bodyVectorBindings(kernel.body, kernel.results, kernel.shape, vectorAxis, widths))
    this.#site = { shape: kernel.shape, vectorAxis, index: axis => (kernel.shape[axis] <= 1 ? '0u' : `i${axis}`), quarter: `i${vectorAxis}q` }
  }

  get #vectorWithinRow(): boolean {
    return this.#choice.vectorAxis !== null && this.#choice.vectorAxis >= this.#outer
  }

  program(): GpuProgram {
    const { shape, reduced } = this.#kernel
    const { lanes, rowsPerGroup, vectorAxis } = this.#choice
    const rowShape = shape.slice(0, this.#outer).map((n, axis) => (axis === vectorAxis ? n / 4 : n))
    const rows = product(rowShape)
    const workgroups = foldWorkgroups(Math.ceil(rows / rowsPerGroup), this.#traits.maxWorkgroups)
    this.#writeRow(rowShape, rows, workgroups)
    this.#writePasses()
    this.#writeResults()
    const shared = [...this.#shared].map(([name, { type, width }]) => `var<workgroup> ${name}: array<${typeName(type === 'bool' ? 'u32' : type, width)}, ${lanes * rowsPerGroup}>;\n`)
    const wgsl = [
      usesHalves(this.#kernel) ? 'enable f16;\n' : '', this.#arrays.declarations, ...shared, this.#prelude.text,
      `@compute @workgroup_size(${lanes * rowsPerGroup})\n`,
      'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {\n', withoutUnused(this.#lines).join('\n'), '\n}\n',
    ].join('')
    const how = `${vectorAxis === null ? '' : ' vec4'}${lanes === 1 ? '' : ` ${lanes} lanes x ${rowsPerGroup}`}`
    return { variant: `${reduced === 0 ? 'map' : 'rows'}${how}`, wgsl, bindings: this.#arrays.used, workgroups }
  }

  /** The row of this invocation. Without barriers a surplus invocation returns; with them it repeats the last row and stores nothing. */
  #writeRow(rowShape: readonly number[], rows: number, workgroups: readonly [number, number]): void {
    const { lanes, rowsPerGroup, rowsAdjacent, vectorAxis } = this.#choice
    const surplus = workgroups[0] * workgroups[1] * rowsPerGroup > rows
    const number = workgroupNumber(workgroups)
    const first = times(number, rowsPerGroup)
    if (lanes === 1) {
      this.#line(`let row = ${first} + local;`)
      const whole = workgroups[1] === 1 ? this.#wholeResult() : null
      if (whole !== null) this.#line(`if (row >= arrayLength(&${this.#arrays.name(whole)})) { return; }`)
      else if (surplus) this.#line(`if (row >= ${rows}u) { return; }`)
    } else {
      if (rowsPerGroup === 1) this.#line('let lane = local;')
      else {
        this.#line(`let lane = ${rowsAdjacent ? `local / ${rowsPerGroup}u` : `local % ${lanes}u`};`)
        this.#line(`let rowInGroup = ${rowsAdjacent ? `local % ${rowsPerGroup}u` : `local / ${lanes}u`};`)
      }
      const own = rowsPerGroup === 1 ? first : `${first} + rowInGroup`
      this.#line(surplus ? `let row = min(${own}, ${rows - 1}u);` : `let row = ${own};`)
      if (surplus) this.#line(`let stores = ${own} < ${rows}u;`)
      this.#hasSurplus = surplus
    }
    this.#lines.push(...splitIndex('row', rowShape, rowShape.map((_, axis) => (axis === vectorAxis ? `i${axis}q` : `i${axis}`)), '  '))
    if (vectorAxis !== null && !this.#vectorWithinRow) {
      if (rowShape[vectorAxis] <= 1) this.#line(`let i${vectorAxis}q = 0u;`)
      this.#line(`let i${vectorAxis} = i${vectorAxis}q * 4u;`)
    }
  }

  /**
   * A binding that a flat map overwrites from end to end, four elements at a time, and touches in no other way: its length is that of the map,
   * which then needs no number in the shader. Maps of all sizes share a pipeline.
   */
  #wholeResult(): number | null {
    const { shape, reduced, body, results, bindings } = this.#kernel
    if (shape.length !== 1 || reduced > 0 || this.#choice.vectorAxis !== 0 || results.some(({ shift }) => shift !== undefined)) return null
    const accesses = accessesOf(body, results)
    const isFlat = ({ offset, strides, guards = [] }: Access): boolean => offset === 0 && strides.length === 1 && strides[0] === 1 && guards.length === 0
    const binding = results.map(({ access }) => access.binding).find(written => bindings[written].dtype !== 'f16' && accesses.every(access => access.binding !== written || isFlat(access)))
    return binding ?? null
  }

  #line(text: string, indent = '  '): void {
    this.#lines.push(`${indent}${text}`)
  }

  #context(indent: string): BodyContext {
    return { body: this.#kernel.body, arrays: this.#arrays, prelude: this.#prelude, site: this.#site, indent, lines: this.#lines }
  }

  /** Computes at row level what `wanted` need of it, and returns the element-level instructions left to compute inside a pass. */
  #prepare(wanted: readonly number[]): number[] {
    const { body } = this.#kernel
    const needed = closure(body, wanted, index => this.#values[index] !== undefined)
    emitInstructions(needed.filter(index => this.#levels[index] === 'row' && body[index].fn !== 'reduce'), this.#context('  '), this.#values)
    return needed.filter(index => this.#levels[index] === 'element')
  }

  #writePasses(): void {
    const { body, reduced, shape } = this.#kernel
    if (reduced === 0) return
    const depths = reduceDepths(body)
    const live = new Set(closure(body, storedValues(this.#kernel.results), () => false))
    for (let depth = 1; depth <= Math.max(0, ...depths); depth++) {
      const reduces = body.flatMap((instruction, index) => (instruction.fn === 'reduce' && depths[index] === depth && live.has(index) ? [{ index, instruction }] : []))
      const elements = this.#prepare(reduces.map(({ instruction }) => instruction.args[0]))
      this.#writeReducePass(reduces, elements, product(shape.slice(this.#outer)) === 0)
    }
  }

  #writeReducePass(reduces: readonly { index: number; instruction: Reduce }[], elements: readonly number[], empty: boolean): void {
    const body = this.#kernel.body
    const widths = instructionWidths(body, this.#kernel.shape, this.#choice.vectorAxis, this.#vectorWithinRow ? 1 : 4)
    const sums = reduces.map(({ index, instruction }) => {
      const type = registerOf(instruction.dtype)
      // four columns of a row are four elements even where they are equal
      const width: Width = this.#vectorWithinRow ? 4 : widths[instruction.args[0]]
      const identity = widen({ text: reduceIdentity(instruction.reduce, type, this.#prelude), type: type === 'bool' ? 'u32' : type, width: 1 }, width)
      this.#line(`var r${index} = ${identity.text};`)
      return { index, instruction, type, width }
    })
    if (!empty) {
      this.#openElements()
      const values = [...this.#values]
      emitInstructions(elements, this.#context('    '), values)
      for (const { index, instruction, type, width } of sums) {
        const value = values[instruction.args[0]]
        if (value === undefined) throw new Error('kernel body: a reduction must come after its operand')
        const operand = widen(convert(value, type === 'bool' ? 'u32' : type), width)
        this.#line(`r${index} = ${combine(instruction.reduce, `r${index}`, operand, this.#prelude)};`, '    ')
      }
      this.#closeElements()
    }
    for (const { index, instruction, type, width } of sums) {
      let total: Value = { text: `r${index}`, type: type === 'bool' ? 'u32' : type, width }
      if (this.#vectorWithinRow) total = { text: foldVector(instruction.reduce, total, this.#prelude), type: total.type, width: 1 }
      if (this.#choice.lanes > 1) total = this.#meet(index, instruction, total)
      this.#line(`let v${index} = ${convert(total, type).text};`)
      this.#values[index] = { text: `v${index}`, type, width: total.width }
    }
  }

  /** A tree over workgroup memory: makes no assumption about subgroups, and adds in the same order every time. */
  #meet(index: number, instruction: Reduce, total: Value): Value {
    const { lanes, rowsPerGroup, rowsAdjacent } = this.#choice
    const name = `partial${total.type === 'f32' ? 'F' : total.type === 'i32' ? 'I' : 'U'}${total.width === 1 ? '' : '4'}`
    this.#shared.set(name, { type: total.type, width: total.width })
    const apart = rowsAdjacent ? rowsPerGroup : 1
    this.#line(`${name}[local] = ${total.text};`)
    this.#line('workgroupBarrier();')
    this.#line(`for (var half = ${lanes / 2}u; half > 0u; half /= 2u) {`)
    const other: Value = { text: `${name}[local + half${apart === 1 ? '' : ` * ${apart}u`}]`, type: total.type, width: total.width }
    this.#line(`if (lane < half) { ${name}[local] = ${combine(instruction.reduce, `${name}[local]`, other, this.#prelude)}; }`, '    ')
    this.#line('workgroupBarrier();', '    ')
    this.#line('}')
    this.#line(`let total${index} = ${name}[${rowsPerGroup === 1 ? '0u' : rowsAdjacent ? 'rowInGroup' : `rowInGroup * ${lanes}u`}];`)
    this.#line('workgroupBarrier();')
    return { text: `total${index}`, type: total.type, width: total.width }
  }

  /** Opens the loop over this invocation's elements of the row and names their indices. */
  #openElements(): void {
    const { shape } = this.#kernel
    const { lanes, vectorAxis } = this.#choice
    const sizes = shape.slice(this.#outer).map((n, i) => (this.#outer + i === vectorAxis ? n / 4 : n))
    const name = (i: number): string => (this.#outer + i === vectorAxis ? `i${this.#outer + i}q` : `i${this.#outer + i}`)
    const [start, step] = lanes === 1 ? [loopStart(this.#traits), '1u'] : ['lane', `${lanes}u`]
    if (sizes.length === 1) {
      this.#line(`for (var ${name(0)} = ${start}; ${name(0)} < ${sizes[0]}u; ${name(0)} += ${step}) {`)
    } else {
      this.#line(`for (var element = ${start}; element < ${product(sizes)}u; element += ${step}) {`)
      this.#lines.push(...splitIndex('element', sizes, sizes.map((_, i) => name(i)), '    '))
      if (vectorAxis !== null && this.#vectorWithinRow && sizes[vectorAxis - this.#outer] <= 1) this.#line(`let i${vectorAxis}q = 0u;`, '    ')
    }
    if (vectorAxis !== null && this.#vectorWithinRow) this.#line(`let i${vectorAxis} = i${vectorAxis}q * 4u;`, '    ')
  }

  #closeElements(): void {
    this.#line('}')
  }

  #writeResults(): void {
    const { results, shape, reduced } = this.#kernel
    const elementResults = reduced === 0 ? [] : results.filter(result => this.#levels[result.value] === 'element' || this.#isStoredPerElement(result.access.strides))
    const rowResults = results.filter(result => !elementResults.includes(result))
    if (elementResults.length > 0 && product(shape.slice(this.#outer)) > 0) {
      const elements = this.#prepare(storedValues(elementResults))
      const guarded = this.#hasSurplus
      if (guarded) this.#line('if (stores) {')
      this.#openElements()
      const values = [...this.#values]
      emitInstructions(elements, this.#context('    '), values)
      for (const result of elementResults) this.#store(result, values, '    ')
      this.#closeElements()
      if (guarded) this.#line('}')
    }
    this.#prepare(storedValues(rowResults))
    if (rowResults.length === 0) return
    if (this.#choice.lanes > 1) this.#line(this.#hasSurplus ? 'if (stores && lane == 0u) {' : 'if (lane == 0u) {')
    for (const result of rowResults) this.#store(result, this.#values, this.#choice.lanes > 1 ? '    ' : '  ')
    if (this.#choice.lanes > 1) this.#line('}')
  }

  /** A row-level value broadcast over the row's elements. */
  #isStoredPerElement(strides: readonly number[]): boolean {
    return strides.slice(this.#outer).some(stride => stride !== 0)
  }

  #store(result: LoopKernel['results'][number], values: readonly (Value | undefined)[], indent: string): void {
    const value = values[result.value]
    if (value === undefined) throw new Error('kernel body: a result must be computed before it is stored')
    emitStore(result, value, this.#context(indent), result.shift && values[result.shift.by])
  }
}
