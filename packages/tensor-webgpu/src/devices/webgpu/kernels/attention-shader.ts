// What the three attention shaders share: the row that an invocation owns, which keys a query may see, and the text around the body. All
// control flow that barriers or subgroup operations stand in depends on the workgroup alone.
import type { AttentionSizes, Access, Binding } from '../../../plan/kernel.js'
import { StorageArrays } from '../wgsl/access.js'
import { withoutUnused } from '../wgsl/unused.js'
import type { GpuTraits } from '../traits.js'
import { foldWorkgroups, loopStart, workgroupNumber, type GpuProgram } from './gpu-program.js'
import { HeadVectors, vectorHeadBindings } from './head-vectors.js'

/** How the rows that every invocation of a workgroup walks come to it. */
export type Staging =
  /** Each invocation reads them from memory. */
  | 'direct'
  /** The lanes of the workgroup's one subgroup read each row together and broadcast its chunks. */
  | 'shuffle'
  /** Read together into workgroup memory. */
  | 'tile'
  /** All invocations of a workgroup share one query and divide the keys among them: attention-split.ts. */
  | 'split'

export interface AttentionLayout {
  /** Invocations of a workgroup, one row each; they share batch and head. */
  readonly group: number
  readonly staging: Staging
}

export class AttentionShader {
  readonly sizes: AttentionSizes
  readonly layout: AttentionLayout
  readonly traits: GpuTraits
  readonly arrays: StorageArrays
  readonly vectors: HeadVectors
  readonly lines: string[] = []
  /** Declarations of workgroup memory. */
  readonly shared: string[] = []
  /** Is the number of keys known only when the shader runs? */
  isBounded = false
  readonly #bindings: readonly Binding[]
  readonly #workgroups: readonly [number, number]

  /** Over `heads` x `length` rows in each batch: queries with the query heads, or keys with the key heads. */
  constructor(sizes: AttentionSizes, bindings: readonly Binding[], vectors: readonly Access[], others: readonly Access[], heads: number, length: number, layout: AttentionLayout, traits: GpuTraits) {
    this.sizes = sizes
    this.layout = layout
    this.traits = traits
    this.#bindings = bindings
    this.arrays = new StorageArrays(bindings, vectorHeadBindings(vectors, sizes.headSize, others))
    this.vectors = new HeadVectors(sizes.headSize, this.arrays, bindings, this.lines, loopStart(traits))
    const rows = layout.staging === 'split' ? 1 : layout.group
    const perHead = Math.ceil(length / rows)
    const count = perHead * heads * sizes.batch
    this.#workgroups = foldWorkgroups(count, traits.maxWorkgroups)
    this.line(`let number = ${workgroupNumber(this.#workgroups)};`)
    if (this.#workgroups[0] * this.#workgroups[1] > count) this.line(`if (number >= ${count}u) { return; }`)
    this.line(`let batch = number / ${perHead * heads}u;`)
    this.line(`let ownHead = (number / ${perHead}u) % ${heads}u;`)
    this.line(`let firstRow = number % ${perHead}u * ${rows}u;`)
    this.line(`let lastRow = min(firstRow + ${rows - 1}u, ${length - 1}u);`)
    this.line(rows === 1 ? 'let row = firstRow;' : 'let row = min(firstRow + local, lastRow);')
    this.line(rows === 1 ? 'let stores = local == 0u;' : 'let stores = firstRow + local <= lastRow;')
  }

  line(text: string, indent = '  '): void {
    this.lines.push(`${indent}${text}`)
  }

  /** Reads how many keys the batch has, the same for the whole workgroup as far as the compiler can tell, too. */
  loadLength(lengths: Access): void {
    this.shared.push('var<workgroup> keyLength: u32;\n')
    this.line(`if (local == 0u) { keyLength = u32(clamp(${this.vectors.scalar(lengths, ['batch']).text}, 0i, ${this.sizes.keys}i)); }`)
    this.line('let length = workgroupUniformLoad(&keyLength);')
    this.isBounded = true
  }

  /** How many keys the query at `row` may see by position. */
  visibleKeys(row: string): string {
    const { queries, keys, causal } = this.sizes
    if (this.isBounded) return causal ? `min(max(${row} + 1u + length, ${queries}u) - ${queries}u, length)` : 'length'
    if (!causal) return `${keys}u`
    // with more queries than keys the first ones see none
    return keys >= queries ? `min(${row} + ${keys - queries + 1}u, ${keys}u)` : `min(max(${row} + 1u, ${queries - keys}u) - ${queries - keys}u, ${keys}u)`
  }

  /** The first query that may see the key at `row`. */
  firstQuery(row: string): string {
    const { queries, keys, causal } = this.sizes
    if (!causal) return '0u'
    return keys >= queries ? `(max(${row}, ${keys - queries}u) - ${keys - queries}u)` : `(${row} + ${queries - keys}u)`
  }

  /** Loads this invocation's own row of `access` into the register vector `name`. */
  loadOwn(name: string, access: Access, scale = 1): void {
    const { vectors } = this
    const scaled = (text: string): string => (scale === 1 ? text : `${text} * ${scale}f`)
    vectors.declare(name, '  ')
    if (!this.#sharesLanes) {
      vectors.base(`${name}Base`, access, { batch: 'batch', head: 'ownHead', row: 'row' }, '  ')
      return vectors.each('  ', (d, at, indent) => this.line(`${at(name)} = ${scaled(vectors.load(access, `${name}Base`, d))};`, indent))
    }
    this.#eachRowOfGroup(name, access, () => {
      this.loadAcrossLanes(`${name}Row`, access, `${name}Base`, '    ')
      vectors.each('    ', (d, at, indent) => this.line(`${at(name)} = select(${at(name)}, ${scaled(this.chunkAcrossLanes(`${name}Row`, d))}, firstRow + local == ${name}At);`, indent))
    })
  }

  /** Stores the register vector `name`, times `factor`, as this invocation's row. */
  storeOwn(name: string, access: Access, factor = ''): void {
    const { vectors } = this
    if (!this.#sharesLanes) {
      this.line('if (stores) {')
      vectors.base(`${name}Base`, access, { batch: 'batch', head: 'ownHead', row: 'row' }, '    ')
      vectors.each('    ', (d, at, indent) => vectors.store(access, `${name}Base`, d, `${at(name)}${factor}`, indent))
      return this.line('}')
    }
    if (factor !== '') vectors.each('  ', (_, at, indent) => this.line(`${at(name)} = ${at(name)}${factor};`, indent))
    const size = this.traits.subgroupSize
    this.#eachRowOfGroup(`${name}Out`, access, () => {
      for (let g = 0; g < this.#laneGroups; g++) this.line(`var ${name}Chunk${g} = vec4f();`, '    ')
      vectors.each('    ', (d, at, indent) => {
        const [group, lane] = [Math.floor(Number.parseInt(d) / size), Number.parseInt(d) % size]
        this.line(`${name}Chunk${group} = select(${name}Chunk${group}, subgroupShuffle(${at(name)}, ${name}OutAt - firstRow), lane == ${lane}u);`, indent)
      })
      for (let g = 0; g < this.#laneGroups; g++) {
        this.line(`if (lane + ${g * size}u < ${vectors.chunks}u) {`, '    ')
        vectors.store(access, `${name}OutBase`, `(lane + ${g * size}u)`, `${name}Chunk${g}`, '      ')
        this.line('}', '    ')
      }
    })
  }

  /** Rows go through all lanes together: one load or store site each, which is what compiling costs on software adapters. */
  get #sharesLanes(): boolean {
    return this.layout.staging === 'shuffle' && this.vectors.writtenOut
  }

  get #laneGroups(): number {
    return Math.ceil(this.vectors.chunks / this.traits.subgroupSize)
  }

  #eachRowOfGroup(name: string, access: Access, body: () => void): void {
    this.line(`for (var ${name}At = firstRow; ${name}At <= lastRow; ${name}At += 1u) {`)
    this.vectors.base(`${name}Base`, access, { batch: 'batch', head: 'ownHead', row: `${name}At` }, '    ')
    body()
    this.line('}')
  }

  /** Reads the row at `base` spread over the lanes: lane l holds chunks l, l + size … in `name`. */
  loadAcrossLanes(name: string, access: Access, base: string, indent: string): void {
    const size = this.traits.subgroupSize
    const groups = this.#laneGroups
    const last = this.vectors.chunks - 1
    if (!this.vectors.writtenOut) {
      this.line(`var ${name}: array<vec4f, ${groups}>;`, indent)
      this.line(`for (var g = ${loopStart(this.traits)}; g < ${groups}u; g += 1u) { ${name}[g] = ${this.vectors.load(access, base, `min(g * ${size}u + lane, ${last}u)`)}; }`, indent)
      return
    }
    for (let g = 0; g < groups; g++) {
      const chunk = (g + 1) * size <= last + 1 ? `(lane + ${g * size}u)` : `min(lane + ${g * size}u, ${last}u)`
      this.line(`let ${name}${g} = ${this.vectors.load(access, base, chunk)};`, indent)
    }
  }

  /** Chunk d of a row read by `loadAcrossLanes`. */
  chunkAcrossLanes(name: string, d: string): string {
    const size = this.traits.subgroupSize
    if (!this.vectors.writtenOut) return `subgroupShuffle(${name}[${d} / ${size}u], ${d} % ${size}u)`
    const chunk = Number.parseInt(d)
    return `subgroupBroadcast(${name}${Math.floor(chunk / size)}, ${chunk % size}u)`
  }

  program(variant: string): GpuProgram {
    const shuffles = this.layout.staging === 'shuffle'
    const wgsl = [
      this.#bindings.some(binding => binding.dtype === 'f16') ? 'enable f16;\n' : '', shuffles ? 'enable subgroups;\n' : '', this.arrays.declarations, ...this.shared, '\n',
      `@compute @workgroup_size(${this.layout.group})\n`,
      `fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32${shuffles ? ', @builtin(subgroup_invocation_id) lane: u32' : ''}) {\n`,
      withoutUnused(this.lines).join('\n'), '\n}\n',
    ].join('')
    return { variant: `${variant} ${this.layout.staging} ${this.layout.group}`, wgsl, bindings: this.arrays.used, workgroups: this.#workgroups }
  }
}
