// How one access of a kernel becomes WGSL: element addresses, one number or four at a time, guards, and the choice of `array<vec4>`.
import type { Dtype } from '../../../dtype.js'
import type { Access, Binding, Instruction, Result } from '../../../plan/kernel.js'
import { convert, registerOf, storageType, typeName, type Value, type Width } from './value.js'

/** How an access moves when four neighbours along the vector axis are wanted at once. */
export type AccessMode =
  /** The same element four times. */
  | 'uniform'
  /** Four consecutive elements at an address divisible by four. */
  | 'vector'
  /** Four addresses. */
  | 'scattered'

export function accessMode(access: Access, shape: readonly number[], vectorAxis: number | null): AccessMode {
  if (vectorAxis === null) return 'uniform'
  const guarded = (access.guards ?? []).some(guard => guard.axis === vectorAxis)
  const stride = access.strides[vectorAxis]
  if (stride === 0 && !guarded) return 'uniform'
  const aligned = access.offset % 4 === 0 && access.strides.every((s, axis) => axis === vectorAxis || shape[axis] <= 1 || s % 4 === 0)
  return stride === 1 && !guarded && aligned ? 'vector' : 'scattered'
}

/** How a result moves: a shift by other than whole vectors takes its alignment away. */
export function resultMode({ access, shift }: Result, shape: readonly number[], vectorAxis: number | null): AccessMode {
  const mode = accessMode(access, shape, vectorAxis)
  return mode === 'vector' && shift !== undefined && shift.stride % 4 !== 0 ? 'scattered' : mode
}

/** Where the iteration stands: the text of each axis' index (u32), and the axis along which four neighbours are computed together. */
export interface Site {
  readonly shape: readonly number[]
  readonly vectorAxis: number | null
  /** Index along an axis; along the vector axis, of the first of the four. */
  index(axis: number): string
  /** A quarter of the index along the vector axis. */
  readonly quarter: string
}

/** The element address at an index; with `quarter`, the address divided by four for an array of vec4. */
export function addressText(access: Access, site: Site, quarter = false, shift = 0): string {
  const divisor = quarter ? 4 : 1
  const terms: string[] = []
  access.strides.forEach((stride, axis) => {
    if (stride === 0 || site.shape[axis] <= 1) return
    if (quarter && axis === site.vectorAxis) return void terms.push(site.quarter)
    const lane = axis === site.vectorAxis && shift > 0 ? `(${site.index(axis)} + ${shift}u)` : site.index(axis)
    // a negative stride wraps around 2^32 to the same address
    const factor = (stride / divisor) >>> 0
    terms.push(factor === 1 ? lane : `${lane} * ${factor}u`)
  })
  const offset = (access.offset / divisor) >>> 0
  if (offset !== 0 || terms.length === 0) terms.push(`${offset}u`)
  return terms.join(' + ')
}

function guardText(access: Access, site: Site, shift: number): string | null {
  const conditions = (access.guards ?? []).flatMap(guard => {
    const index = guard.axis === site.vectorAxis && shift > 0 ? `(${site.index(guard.axis)} + ${shift}u)` : site.index(guard.axis)
    const size = site.shape[guard.axis]
    return [...(guard.from > 0 ? [`(${index} >= ${guard.from}u)`] : []), ...(guard.to < size ? [`(${index} < ${Math.max(0, guard.to)}u)`] : [])]
  })
  return conditions.length === 0 ? null : conditions.join(' & ')
}

/** The storage arrays of one shader: which bindings it uses, under which names, and as arrays of numbers or of vec4. */
export class StorageArrays {
  readonly #bindings: readonly Binding[]
  readonly #vector: ReadonlySet<number>
  readonly #used: number[] = []

  constructor(bindings: readonly Binding[], vector: ReadonlySet<number>) {
    this.#bindings = bindings
    this.#vector = vector
  }

  isVector(binding: number): boolean {
    return this.#vector.has(binding)
  }

  name(binding: number): string {
    if (!this.#used.includes(binding)) this.#used.push(binding)
    return `${this.#bindings[binding].written ? 'out' : 'in'}${binding}`
  }

  /** Kernel bindings in the order in which the shader binds them. */
  get used(): readonly number[] {
    return this.#used
  }

  get declarations(): string {
    return this.#used.map((binding, slot) => {
      const type = storageType(this.#bindings[binding].dtype, this.isVector(binding) ? 4 : 1)
      // read_write throughout: one buffer may then hold both inputs and outputs of a dispatch
      return `@group(0) @binding(${slot}) var<storage, read_write> ${this.name(binding)}: array<${type}>;\n`
    }).join('')
  }

  /** One element, as stored. */
  element(binding: number, address: string): string {
    const name = this.name(binding)
    return this.isVector(binding) ? `${name}[(${address}) >> 2u][(${address}) & 3u]` : `${name}[${address}]`
  }

  /** A stored text as a register value of the binding's type. */
  toRegister(binding: number, text: string, width: Width): Value {
    const { dtype } = this.#bindings[binding]
    if (dtype === 'bool') return convert({ text, type: 'u32', width }, 'bool')
    return { text: dtype === 'f16' ? `${typeName('f32', width)}(${text})` : text, type: registerOf(dtype), width }
  }

  fromRegister(binding: number, value: Value): string {
    const { dtype } = this.#bindings[binding]
    const stored = convert(value, registerOf(dtype))
    if (dtype === 'bool') return convert(stored, 'u32').text
    return dtype === 'f16' ? `${storageType(dtype, value.width)}(${stored.text})` : stored.text
  }

  dtype(binding: number): Dtype {
    return this.#bindings[binding].dtype
  }
}

/** Bindings that can be arrays of vec4: some access moves by whole vectors, and no store is of single elements. */
export function vectorBindings(body: readonly Instruction[], results: readonly Result[], modeOf: (access: Access) => AccessMode, modeOfResult: (result: Result) => AccessMode, gatherVector: (index: number) => boolean): Set<number> {
  const vector = new Set<number>()
  body.forEach((instruction, i) => {
    if (instruction.fn === 'load' && modeOf(instruction.access) === 'vector') vector.add(instruction.access.binding)
    if (instruction.fn === 'gather' && gatherVector(i)) vector.add(instruction.access.binding)
  })
  for (const result of results) if (modeOfResult(result) === 'vector') vector.add(result.access.binding)
  for (const result of results) if (modeOfResult(result) !== 'vector') vector.delete(result.access.binding)
  return vector
}

/** A load as an expression of width 1 or 4; nothing outside a guard is read. `extra` is a gathered index's share of the address. */
export function loadText(arrays: StorageArrays, access: Access, site: Site, extra: (lane: number, quarter: boolean) => string, mode: AccessMode): Value {
  const { binding } = access
  const one = (lane: number): Value => {
    const guard = guardText(access, site, lane)
    const address = `${addressText(access, site, false, lane)}${extra(lane, false)}`
    const stored = arrays.element(binding, guard === null ? address : `select(0u, ${address}, ${guard})`)
    const value = arrays.toRegister(binding, stored, 1)
    const zero = value.type === 'bool' ? 'false' : `${value.type}(0)`
    return guard === null ? value : { ...value, text: `select(${zero}, ${value.text}, ${guard})` }
  }
  if (mode === 'uniform') return one(0)
  const first = one(0)
  if (mode === 'scattered' || !arrays.isVector(binding)) return { text: `${typeName(first.type, 4)}(${[0, 1, 2, 3].map(lane => one(lane).text).join(', ')})`, type: first.type, width: 4 }
  const guard = guardText(access, site, 0)
  const address = `${addressText(access, site, true)}${extra(0, true)}`
  const value = arrays.toRegister(binding, `${arrays.name(binding)}[${guard === null ? address : `select(0u, ${address}, ${guard})`}]`, 4)
  const zero = `${typeName(value.type, 4)}()`
  return guard === null ? value : { ...value, text: `select(${zero}, ${value.text}, ${guard})` }
}
