// What the three attention shaders share: which rows an invocation owns, which keys a query may see, and the text around the body.
import type { AttentionSizes, Access, Binding } from '../../../plan/kernel.js'
import { StorageArrays } from '../wgsl/access.js'
import { foldWorkgroups, workgroupNumber, type GpuProgram } from './gpu-program.js'
import { HeadVectors, vectorHeadBindings } from './head-vectors.js'

export interface RowLayout {
  /** Rows of one invocation: what it loads of the other side serves them all. */
  readonly rows: number
  /** Invocations of a workgroup; they share batch and head. */
  readonly group: number
}

export class AttentionShader {
  readonly sizes: AttentionSizes
  readonly layout: RowLayout
  readonly arrays: StorageArrays
  readonly vectors: HeadVectors
  readonly lines: string[] = []
  readonly #bindings: readonly Binding[]
  readonly #workgroups: readonly [number, number]

  /** Over `heads` x `length` rows in each batch: queries with the query heads, or keys with the key heads. */
  constructor(sizes: AttentionSizes, bindings: readonly Binding[], vectors: readonly Access[], others: readonly Access[], heads: number, length: number, layout: RowLayout, maxWorkgroups: number) {
    this.sizes = sizes
    this.layout = layout
    this.#bindings = bindings
    this.arrays = new StorageArrays(bindings, vectorHeadBindings(vectors, sizes.headSize, others))
    this.vectors = new HeadVectors(sizes.headSize, this.arrays, bindings, this.lines)
    const perHead = Math.ceil(length / (layout.rows * layout.group))
    const count = perHead * heads * sizes.batch
    this.#workgroups = foldWorkgroups(count, maxWorkgroups)
    this.line(`let number = ${workgroupNumber(this.#workgroups)};`)
    if (this.#workgroups[0] * this.#workgroups[1] > count) this.line(`if (number >= ${count}u) { return; }`)
    this.line(`let batch = number / ${perHead * heads}u;`)
    this.line(`let head = (number / ${perHead}u) % ${heads}u;`)
    this.line(`let firstRow = (number % ${perHead}u * ${layout.group}u + local) * ${layout.rows}u;`)
    this.line(`if (firstRow >= ${length}u) { return; }`)
    for (let r = 0; r < layout.rows; r++) this.line(`let row${r} = min(firstRow + ${r}u, ${length - 1}u);`)
  }

  line(text: string, indent = '  '): void {
    this.lines.push(`${indent}${text}`)
  }

  /** How many keys the query at `row` may see by position. */
  visibleKeys(row: string): string {
    const { queries, keys, causal } = this.sizes
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

  program(variant: string): GpuProgram {
    const wgsl = [
      this.#bindings.some(binding => binding.dtype === 'f16') ? 'enable f16;\n' : '', this.arrays.declarations, '\n',
      `@compute @workgroup_size(${this.layout.group})\n`,
      'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {\n', this.lines.join('\n'), '\n}\n',
    ].join('')
    return { variant: `${variant} ${this.layout.rows} rows x ${this.layout.group}`, wgsl, bindings: this.arrays.used, workgroups: this.#workgroups }
  }
}
