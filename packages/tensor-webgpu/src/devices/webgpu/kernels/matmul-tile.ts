// What every matmul family shares: where an invocation's tile of the product lies, how elements of the operands are loaded, and the epilogue
// that runs on the tile while it is in registers. A tile is `rows` rows of `columns` vec4s, in variables `sum<row>_<column>`.
import { loadsOf, type Access, type MatmulKernel, type Result } from '../../../plan/kernel.js'
import { accessMode, addressText, loadText, StorageArrays, type Site } from '../wgsl/access.js'
import { bodyVectorBindings, closure, emitInstructions, emitStore, instructionWidths, type BodyContext } from '../wgsl/body.js'
import { Prelude } from '../wgsl/prelude.js'
import { convert, type Value } from '../wgsl/value.js'
import type { GpuTraits } from '../traits.js'
import { OperandCode } from './matmul-operand.js'
import { loopStart, splitIndex } from './gpu-program.js'

/** How an operand is loaded: four along the contraction, four along its own axis, or one at a time. */
export type LoadMode = 'k' | 'own' | 'scalar'

export interface Tile {
  readonly rows: number
  /** In vec4s. */
  readonly columns: number
}

/** Larger bodies run in a loop over the tile instead of being written out for each of its elements: shaders compile in time. */
const UNROLLED_INSTRUCTIONS = 48

const plus = (text: string, n: number): string => (n === 0 ? text : `${text} + ${n}u`)

export class MatmulWriter {
  readonly kernel: MatmulKernel
  readonly tile: Tile
  readonly arrays: StorageArrays
  readonly prelude = new Prelude()
  readonly lines: string[] = []
  readonly aMode: LoadMode
  readonly bMode: LoadMode
  /** The results are computed four columns at a time. */
  readonly vectorColumns: boolean
  readonly #shape: readonly number[]
  /** Stores of the column sums, over [...batch, m, n] like those of the results. */
  readonly #sums: readonly Result[]
  readonly #operands: { readonly a: OperandCode | null; readonly b: OperandCode | null }
  #stepIndent = '    '
  /** Where the writer's loops start: see `loopStart`. */
  readonly loopStart: string

  /** Whether the workgroups' tiles end where the product ends: nothing then needs clamping or guarding. */
  readonly #wholeRows: boolean
  readonly #wholeColumns: boolean

  /**
   * `across` and `down`: tiles of a workgroup side by side along n and along m. `scalarA`: a is loaded one element at a time whatever its layout.
   */
  constructor(kernel: MatmulKernel, tile: Tile, traits: GpuTraits, { across = 1, down = 1, scalarA = false }: { across?: number; down?: number; scalarA?: boolean } = {}) {
    this.#wholeRows = kernel.m % (tile.rows * down) === 0
    this.#wholeColumns = kernel.n % (tile.columns * 4 * across) === 0
    this.loopStart = loopStart(traits)
    this.kernel = kernel
    this.tile = tile
    const m = kernel.batch.length
    this.#shape = [...kernel.batch, kernel.m, kernel.n]
    this.vectorColumns = kernel.n % 4 === 0
    const vectorAxis = this.vectorColumns ? m + 1 : null
    const widths = instructionWidths(kernel.body, this.#shape, vectorAxis, 1)
    // the sums are no values of the body; what matters here is how they are stored
    this.#sums = (kernel.columnSums ?? []).map(access => ({ value: 0, access: { ...access, strides: [...kernel.batch.map(() => 0), 0, access.strides[0]] } }))
    const results = [...kernel.results, ...this.#sums]
    const vector = bodyVectorBindings(kernel.body, results, this.#shape, vectorAxis, widths)
    const stored = new Set(results.map(result => result.access.binding))
    const aShape = [...kernel.batch, kernel.m, kernel.k]
    const bShape = [...kernel.batch, kernel.k, kernel.n]
    const may = (access: Access, shape: readonly number[], axis: number): boolean =>
      accessMode(access, shape, axis) === 'vector' && (!stored.has(access.binding) || vector.has(access.binding)) && (access.guards ?? []).length === 0
    const aModeWanted: LoadMode = scalarA ? 'scalar' : may(kernel.a, aShape, m + 1) ? 'k' : may(kernel.a, aShape, m) && kernel.m % 4 === 0 && tile.rows % 4 === 0 ? 'own' : 'scalar'
    const bModeWanted: LoadMode = may(kernel.b, bShape, m + 1) && this.vectorColumns ? 'own' : may(kernel.b, bShape, m) ? 'k' : 'scalar'
    if (aModeWanted !== 'scalar') vector.add(kernel.a.binding)
    if (bModeWanted !== 'scalar') vector.add(kernel.b.binding)
    this.aMode = aModeWanted
    this.bMode = bModeWanted
    for (const access of loadsOf(kernel.prologue?.a)) if (aModeWanted !== 'scalar' && may(access, aShape, aModeWanted === 'k' ? m + 1 : m)) vector.add(access.binding)
    for (const access of loadsOf(kernel.prologue?.b)) if (bModeWanted !== 'scalar' && may(access, bShape, bModeWanted === 'k' ? m : m + 1)) vector.add(access.binding)
    this.arrays = new StorageArrays(kernel.bindings, vector)
    const context = { arrays: this.arrays, prelude: this.prelude, lines: this.lines }
    this.#operands = {
      a: kernel.prologue?.a === undefined ? null : new OperandCode('a', kernel.prologue.a, [m, m + 1], context),
      b: kernel.prologue?.b === undefined ? null : new OperandCode('b', kernel.prologue.b, [m + 1, m], context),
    }
  }

  /** Opens a step along k, whose statements stand at this indent: loads name the step's own index. */
  beginStep(indent: string): void {
    this.#stepIndent = indent
    this.#operands.a?.beginStep()
    this.#operands.b?.beginStep()
  }

  /** Rows of a that the loop over k will load, by the names of their indices. */
  prepareRows(names: readonly string[]): void {
    for (const own of names) this.#operands.a?.prepare({ own, k: '0u', site: this.#operandSite('a', own, `(${own} / 4u)`, '0u', '0u', this.aMode) })
  }

  #prepareColumns(names: readonly string[]): void {
    for (const own of names) this.#operands.b?.prepare({ own, k: '0u', site: this.#columnSite(own, '0u', '0u', this.bMode) })
  }

  line(text: string, indent = '  '): void {
    this.lines.push(`${indent}${text}`)
  }

  /** What `write` gives, and the statements it writes on the way, which are left out here to stand elsewhere. */
  apart(write: () => string): { readonly before: readonly string[]; readonly value: string } {
    const start = this.lines.length
    const value = write()
    return { before: this.lines.splice(start), value }
  }

  /** Batch indices `batch0 …` from the text of a number. */
  writeBatch(source: string): void {
    this.lines.push(...splitIndex(source, this.kernel.batch, this.kernel.batch.map((_, i) => `batch${i}`), '  '))
  }

  /**
   * Clamped rows `m0 …` and columns (`n0 …` in vec4s, or `n0_0 …` one by one) from the tile's first row and first column vector: an operand
   * is never read outside, and what a clamped row computes is not stored.
   */
  writeClampedIndices(): void {
    const { m, n } = this.kernel
    for (let row = 0; row < this.tile.rows; row++) {
      if (this.aMode === 'own' && row % 4 !== 0) continue
      const last = this.aMode === 'own' ? m - 4 : m - 1
      this.line(`let m${row} = ${this.#wholeRows ? plus('firstRow', row) : `min(${plus('firstRow', row)}, ${last}u)`};`)
    }
    for (let column = 0; column < this.tile.columns; column++) {
      const clamped = (index: string, last: number): string => (this.#wholeColumns ? index : `min(${index}, ${last}u)`)
      if (this.bMode === 'own') this.line(`let n${column} = ${clamped(this.columnVector(column), n / 4 - 1)};`)
      else for (let lane = 0; lane < 4; lane++) this.line(`let n${column}_${lane} = ${clamped(plus(`${this.columnVector(column)} * 4u`, lane), n - 1)};`)
    }
    const rows = Array.from({ length: this.tile.rows }, (_, row) => row)
    this.prepareRows(rows.filter(row => this.aMode !== 'own' || row % 4 === 0).map(row => `m${row}`))
    const columns = Array.from({ length: this.tile.columns }, (_, column) => column)
    this.#prepareColumns(columns.flatMap(column => (this.bMode === 'own' ? [`n${column}`] : [0, 1, 2, 3].map(lane => `n${column}_${lane}`))))
  }

  columnVector(column: number, apart = 1): string {
    return column === 0 ? 'firstColumn' : `(firstColumn + ${column * apart}u)`
  }

  #operandSite(of: 'a' | 'b', own: string, ownQuarter: string, k: string, kQuarter: string, mode: LoadMode): Site {
    const { batch, m, n, k: depth } = this.kernel
    const rank = batch.length
    const [ownAxis, kAxis] = of === 'a' ? [rank, rank + 1] : [rank + 1, rank]
    const shape = of === 'a' ? [...batch, m, depth] : [...batch, depth, n]
    const vectorAxis = mode === 'k' ? kAxis : mode === 'own' ? ownAxis : null
    const index = (axis: number): string => (axis === ownAxis ? own : axis === kAxis ? k : `batch${axis}`)
    return { shape, vectorAxis, index, quarter: mode === 'k' ? kQuarter : ownQuarter }
  }

  /** What is multiplied: as loaded, or computed from it by statements that stand before the expression that is returned. */
  #load(of: 'a' | 'b', own: string, k: string, site: Site): string {
    const access = this.kernel[of]
    const value = convert(loadText(this.arrays, access, site, () => '', accessMode(access, site.shape, site.vectorAxis)), 'f32')
    return (this.#operands[of]?.value(value, { own, k, site }, this.#stepIndent) ?? value).text
  }

  /** a at a row (the first of four in mode 'own'); `k` in elements, `kQuarter` in vec4s. */
  loadA(row: string, k: string, kQuarter = '', mode = this.aMode): string {
    return this.#load('a', row, k, this.#operandSite('a', row, `(${row} / 4u)`, k, kQuarter, mode))
  }

  /** b at a column (in mode 'own' at a vec4 of them). */
  loadB(column: string, k: string, kQuarter = '', mode = this.bMode): string {
    return this.#load('b', column, k, this.#columnSite(column, k, kQuarter, mode))
  }

  #columnSite(column: string, k: string, kQuarter: string, mode: LoadMode): Site {
    const first = mode === 'own' ? `(${column} * 4u)` : /^\w+$/.test(column) ? column : `(${column})`
    return this.#operandSite('b', first, column, k, kQuarter, mode)
  }

  writeSums(): void {
    for (let row = 0; row < this.tile.rows; row++) for (let column = 0; column < this.tile.columns; column++) this.line(`var sum${row}_${column} = vec4f();`)
    if (this.hasColumnSums) for (let column = 0; column < this.tile.columns; column++) this.line(`var columnSum${column} = vec4f();`)
  }

  /** Adds what was loaded of b, one column vector at one step of k, to the sum of its column. */
  addToColumnSum(column: number, b: string, indent: string): void {
    if (this.hasColumnSums) this.line(`columnSum${column} += ${b};`, indent)
  }

  get hasColumnSums(): boolean {
    return this.#sums.length > 0
  }

  /** The tiles of the first rows store the sums; all the others have computed the same. */
  writeColumnSums(apart = 1, indent = '  '): void {
    if (!this.hasColumnSums) return
    const { batch, n } = this.kernel
    const lanes = this.vectorColumns ? [0] : [0, 1, 2, 3]
    this.line('if (firstRow == 0u) {', indent)
    for (let column = 0; column < this.tile.columns; column++)
      for (const lane of lanes) {
        const nq = this.columnVector(column, apart)
        const index = this.vectorColumns ? `${nq} * 4u` : `(${plus(`${nq} * 4u`, lane)})`
        const site: Site = { shape: this.#shape, vectorAxis: this.vectorColumns ? batch.length + 1 : null, index: () => index, quarter: nq }
        const sum: Value = this.vectorColumns ? { text: `columnSum${column}`, type: 'f32', width: 4 } : { text: `columnSum${column}[${lane}]`, type: 'f32', width: 1 }
        this.line(this.#wholeColumns ? '{' : this.vectorColumns ? `if (${nq} < ${n / 4}u) {` : `if (${index} < ${n}u) {`, `${indent}  `)
        for (const result of this.#sums) emitStore(result, sum, { body: [], arrays: this.arrays, prelude: this.prelude, indent: `${indent}    `, lines: this.lines, site })
        this.line('}', `${indent}  `)
      }
    this.line('}', indent)
  }

  /** Instructions of the body that a result rests on. */
  get #needed(): number[] {
    return closure(this.kernel.body, this.kernel.results.map(result => result.value), () => false)
  }

  /** Runs the body on every element of the tile that lies inside the product. Column vectors of the tile lie `apart` apart. */
  writeEpilogue(apart = 1): void {
    this.writeColumnSums(apart)
    const { rows, columns } = this.tile
    const weight = this.#needed.reduce((sum, index) => sum + (['load', 'constant', 'head', 'add', 'mul', 'sub', 'where'].includes(this.kernel.body[index].fn) ? 1 : 8), 1)
    if (!this.vectorColumns || weight * rows * columns > UNROLLED_INSTRUCTIONS) return this.#writeEpilogueLoop(apart)
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        this.line('{')
        this.line(`let m = ${plus('firstRow', row)};`, '    ')
        this.line(`let nq = ${this.columnVector(column, apart)};`, '    ')
        this.writeElement(`sum${row}_${column}`, '    ')
        this.line('}')
      }
    }
  }

  #writeEpilogueLoop(apart: number): void {
    const { rows, columns } = this.tile
    const names = Array.from({ length: rows * columns }, (_, i) => `sum${Math.floor(i / columns)}_${i % columns}`)
    this.line(`var sums = array<vec4f, ${rows * columns}>(${names.join(', ')});`)
    const count = rows * columns * (this.vectorColumns ? 1 : 4)
    this.line(`for (var part = ${this.loopStart}; part < ${count}u; part += 1u) {`)
    const position = this.vectorColumns ? 'part' : '(part / 4u)'
    this.line(`let m = firstRow + ${columns === 1 ? position : `${position} / ${columns}u`};`, '    ')
    const nq = columns === 1 ? 'firstColumn' : `firstColumn + ${position} % ${columns}u${apart === 1 ? '' : ` * ${apart}u`}`
    this.line(this.vectorColumns ? `let nq = ${nq};` : `let n = ${columns === 1 ? nq : `(${nq})`} * 4u + part % 4u;`, '    ')
    this.writeElement(this.vectorColumns ? 'sums[part]' : 'sums[part / 4u][part % 4u]', '    ')
    this.line('}')
  }

  /** Runs the body on `head`, the product at row `m` and column vector `nq` (column `n` one by one), where that lies inside. */
  writeElement(head: string, indent: string): void {
    const { batch, m, n, body, results } = this.kernel
    const rank = batch.length
    const vectorAxis = this.vectorColumns ? rank + 1 : null
    const inside = [...(this.#wholeRows ? [] : [`m < ${m}u`]), ...(this.#wholeColumns ? [] : [this.vectorColumns ? `nq < ${n / 4}u` : `n < ${n}u`])]
    const inner = inside.length === 0 ? indent : `${indent}  `
    if (inside.length > 0) this.line(`if (${inside.join(' && ')}) {`, indent)
    if (this.vectorColumns) this.line('let n = nq * 4u;', inner)
    this.line(`let head = ${head};`, inner)
    const headValue: Value = { text: 'head', type: 'f32', width: this.vectorColumns ? 4 : 1 }
    const index = (axis: number): string => (axis === rank ? 'm' : axis === rank + 1 ? 'n' : `batch${axis}`)
    const context: BodyContext = {
      body, arrays: this.arrays, prelude: this.prelude, head: headValue, indent: inner, lines: this.lines,
      site: { shape: this.#shape, vectorAxis, index, quarter: 'nq' },
    }
    const values: (Value | undefined)[] = new Array<Value | undefined>(body.length).fill(undefined)
    emitInstructions(this.#needed, context, values)
    for (const result of results) {
      const value = values[result.value]
      if (value === undefined) throw new Error('matmul: a result must be computed before it is stored')
      emitStore(result, value, context)
    }
    if (inside.length > 0) this.line('}', indent)
  }

  /** The address of an access without its step along the contraction: what a loop over k adds to. */
  baseAddress(access: Access, kAxis: number, site: Site, quarter: boolean): string {
    return addressText({ ...access, strides: access.strides.map((stride, axis) => (axis === kAxis ? 0 : stride)) }, site, quarter)
  }
}
