// The vectors of attention (q, k, v and their gradients) as vec4s along the head: loading and storing them through any access, keeping them in
// registers, and walking their chunks, written out where they are short and in a loop where they are long.
import type { Access, Binding } from '../../../plan/kernel.js'
import type { StorageArrays } from '../wgsl/access.js'
import { convert } from '../wgsl/value.js'

/** Strides of [B, H, T or S, D] and the names of the first three indices. */
export interface VectorPlace {
  readonly batch: string
  readonly head: string
  readonly row: string
}

/** Whether whole vec4s along the head may be loaded or stored. */
export const isAligned = (access: Access, headSize: number): boolean =>
  headSize % 4 === 0 && access.strides[3] === 1 && access.offset % 4 === 0 && access.strides.slice(0, 3).every(stride => stride % 4 === 0)

/** Bindings of which every access moves by whole vec4s. */
export function vectorHeadBindings(accesses: readonly Access[], headSize: number, others: readonly Access[]): Set<number> {
  const vector = new Set(accesses.map(access => access.binding))
  for (const access of accesses) if (!isAligned(access, headSize)) vector.delete(access.binding)
  for (const access of others) vector.delete(access.binding)
  return vector
}

function terms(parts: readonly (readonly [string, number])[], offset: number): string {
  const texts = parts.flatMap(([index, stride]) => (stride === 0 || index === '0u' ? [] : [stride === 1 ? index : `${index} * ${stride >>> 0}u`]))
  return [...texts, ...(offset === 0 && texts.length > 0 ? [] : [`${offset >>> 0}u`])].join(' + ')
}

/** Vectors longer than this many vec4s are walked in a loop: written out they would take too long to compile. */
const WRITTEN_OUT = 16

const chunkAt = (base: string, d: string): string => (d === '0u' ? base : `${base} + ${d}`)

export class HeadVectors {
  readonly chunks: number
  readonly writtenOut: boolean
  readonly #headSize: number
  readonly #arrays: StorageArrays
  readonly #bindings: readonly Binding[]
  readonly #lines: string[]

  readonly #start: string

  constructor(headSize: number, arrays: StorageArrays, bindings: readonly Binding[], lines: string[], start: string) {
    this.#start = start
    this.#headSize = headSize
    this.chunks = Math.ceil(headSize / 4)
    this.writtenOut = this.chunks <= WRITTEN_OUT
    this.#arrays = arrays
    this.#bindings = bindings
    this.#lines = lines
  }

  /** A `let` with the address of a vector's first element, in vec4s where the binding is an array of them. */
  base(name: string, access: Access, { batch, head, row }: VectorPlace, indent: string): void {
    const divisor = this.#arrays.isVector(access.binding) ? 4 : 1
    const [b, h, t] = access.strides.map(stride => stride / divisor)
    this.#lines.push(`${indent}let ${name} = ${terms([[batch, b], [head, h], [row, t]], access.offset / divisor)};`)
  }

  /** Chunk `d` of the vector at `base`, as a vec4f; beyond the head's end it is zero. */
  load(access: Access, base: string, d: string): string {
    const { binding } = access
    if (this.#arrays.isVector(binding)) return this.#asFloat(binding, `${this.#arrays.name(binding)}[${chunkAt(base, d)}]`, 4)
    const lanes = [0, 1, 2, 3].map(lane => {
      const element = `(${d} * 4u + ${lane}u)`
      const inside = this.#headSize % 4 === 0 ? '' : `, ${element} < ${this.#headSize}u)`
      const index = inside === '' ? element : `min(${element}, ${this.#headSize - 1}u)`
      const stored = this.#asFloat(binding, `${this.#arrays.name(binding)}[${base} + ${terms([[index, access.strides[3]]], 0)}]`, 1)
      return inside === '' ? stored : `select(0.0, ${stored}${inside}`
    })
    return `vec4f(${lanes.join(', ')})`
  }

  #asFloat(binding: number, text: string, width: 1 | 4): string {
    return convert(this.#arrays.toRegister(binding, text, width), 'f32').text
  }

  store(access: Access, base: string, d: string, value: string, indent: string): void {
    const { binding } = access
    const name = this.#arrays.name(binding)
    if (this.#arrays.isVector(binding)) return void this.#lines.push(`${indent}${name}[${chunkAt(base, d)}] = ${this.#arrays.fromRegister(binding, { text: value, type: 'f32', width: 4 })};`)
    this.#lines.push(`${indent}{`, `${indent}  let stored = ${value};`)
    for (let lane = 0; lane < 4; lane++) {
      const element = `(${d} * 4u + ${lane}u)`
      const store = `${name}[${base} + ${terms([[element, access.strides[3]]], 0)}] = ${this.#arrays.fromRegister(binding, { text: `stored[${lane}]`, type: 'f32', width: 1 })};`
      this.#lines.push(`${indent}  ${this.#headSize % 4 === 0 ? store : `if (${element} < ${this.#headSize}u) { ${store} }`}`)
    }
    this.#lines.push(`${indent}}`)
  }

  /** Declares a register vector of zeros. */
  declare(name: string, indent: string): void {
    if (!this.writtenOut) return void this.#lines.push(`${indent}var ${name}: array<vec4f, ${this.chunks}>;`)
    for (let d = 0; d < this.chunks; d++) this.#lines.push(`${indent}var ${name}_${d} = vec4f();`)
  }

  /** Calls `emit` for every chunk, or once inside a loop; `at(name)` is a register vector's chunk there, `d` its number. */
  each(indent: string, emit: (d: string, at: (name: string) => string, indent: string) => void): void {
    if (this.writtenOut) {
      for (let d = 0; d < this.chunks; d++) emit(`${d}u`, name => `${name}_${d}`, indent)
      return
    }
    this.#lines.push(`${indent}for (var d = ${this.#start}; d < ${this.chunks}u; d += 1u) {`)
    emit('d', name => `${name}[d]`, `${indent}  `)
    this.#lines.push(`${indent}}`)
  }

  /** A scalar access of [B, H, T] or [B, H, T, S] as an expression. */
  scalar(access: Access, indices: readonly string[]): { text: string; isBool: boolean } {
    const address = terms(access.strides.map((stride, axis) => [indices[axis], stride] as const), access.offset)
    const value = this.#arrays.toRegister(access.binding, this.#arrays.element(access.binding, address), 1)
    return { text: value.text, isBool: this.#bindings[access.binding].dtype === 'bool' }
  }

  storeScalar(access: Access, indices: readonly string[], value: string, indent: string): void {
    const address = terms(access.strides.map((stride, axis) => [indices[axis], stride] as const), access.offset)
    this.#lines.push(`${indent}${this.#arrays.name(access.binding)}[${address}] = ${this.#arrays.fromRegister(access.binding, { text: value, type: 'f32', width: 1 })};`)
  }
}
