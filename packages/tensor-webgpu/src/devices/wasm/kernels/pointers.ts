// The current address of every access of a kernel, as locals that move along the iteration axes.
import type { Access } from '../../../plan/kernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { i32 } from '../emit/scalar.js'
import type { I32 } from '../emit/value.js'

export class Pointers {
  readonly #f: FunctionBuilder
  readonly #at = new Map<Access, Local<'i32'>>()

  constructor(f: FunctionBuilder, accesses: Iterable<Access>) {
    this.#f = f
    for (const access of accesses) if (!this.#at.has(access)) this.#at.set(access, f.local('i32'))
  }

  of(access: Access): Local<'i32'> {
    const local = this.#at.get(access)
    if (local === undefined) throw new TypeError('Pointers.of: the access must be one given to the constructor')
    return local
  }

  accesses(): Access[] {
    return [...this.#at.keys()]
  }

  /** Points at the element of the given index; axes that are not given count as 0. */
  seek(bases: readonly I32[], index: ReadonlyMap<number, I32>): void {
    for (const [access, local] of this.#at) {
      let address: I32 = i32.add(bases[access.binding], i32.const(access.offset * 4))
      for (const [axis, position] of index)
        if (access.strides[axis] !== 0) address = i32.add(address, i32.mul(position, i32.const(access.strides[axis] * 4)))
      this.#f.set(local, address)
    }
  }

  /** Copies the positions of another set with the same accesses, moved by `count` elements along `axis`. */
  copyFrom(other: Pointers, axis: number, count: I32): void {
    for (const [access, local] of this.#at) {
      const stride = access.strides[axis]
      this.#f.set(local, stride === 0 ? other.of(access) : i32.add(other.of(access), i32.mul(count, i32.const(stride * 4))))
    }
  }

  advance(axis: number, count: number, only?: ReadonlySet<Access>): void {
    for (const [access, local] of this.#at) {
      const bytes = access.strides[axis] * 4 * count
      if (bytes !== 0 && (only === undefined || only.has(access))) this.#f.set(local, i32.add(local, i32.const(bytes)))
    }
  }
}

/** Counts through `axes` (the last fastest) and moves the pointers along. */
export class Odometer {
  readonly #f: FunctionBuilder
  readonly #axes: readonly number[]
  readonly #shape: readonly number[]
  readonly counters = new Map<number, Local<'i32'>>()

  constructor(f: FunctionBuilder, shape: readonly number[], axes: readonly number[]) {
    this.#f = f
    this.#axes = axes
    this.#shape = shape
    for (const axis of axes) this.counters.set(axis, f.local('i32'))
  }

  get size(): number {
    return this.#axes.reduce((product, axis) => product * this.#shape[axis], 1)
  }

  /** Sets the counters to the position-th combination. */
  seek(position: I32): void {
    const rest = this.#f.keep(position)
    this.#axes.toReversed().forEach((axis, i) => {
      const counter = this.#counter(axis)
      const outermost = i === this.#axes.length - 1
      this.#f.set(counter, outermost ? rest : i32.remU(rest, i32.const(this.#shape[axis])))
      if (!outermost) this.#f.set(rest, i32.divU(rest, i32.const(this.#shape[axis])))
    })
  }

  next(pointers: Pointers, depth = this.#axes.length - 1): void {
    if (depth < 0) return
    const axis = this.#axes[depth]
    const counter = this.#counter(axis)
    this.#f.set(counter, i32.add(counter, i32.const(1)))
    pointers.advance(axis, 1)
    if (depth === 0) return
    this.#f.if(i32.eq(counter, i32.const(this.#shape[axis])), () => {
      this.#f.set(counter, i32.const(0))
      pointers.advance(axis, -this.#shape[axis])
      this.next(pointers, depth - 1)
    })
  }

  #counter(axis: number): Local<'i32'> {
    const counter = this.counters.get(axis)
    if (counter === undefined) throw new TypeError(`Odometer: axis ${axis} must be one of ${this.#axes.join(', ')}`)
    return counter
  }
}
