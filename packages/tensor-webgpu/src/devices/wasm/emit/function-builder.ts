// Builds the body of one WebAssembly function: locals, blocks, loops. Structure only; instructions are in scalar.ts and simd.ts.
import { typeByte, unsigned, type Effect, type I32, type Value, type ValueType } from './value.js'

/** A local variable, which is also the code that reads it. */
export interface Local<T extends ValueType = ValueType> extends Value<T> {
  readonly index: number
}

export class FunctionBuilder {
  readonly params: readonly ValueType[]
  readonly result: ValueType | null
  readonly #types: ValueType[] = []
  readonly #code: number[] = []
  /** Locals that earlier scopes are done with, by type. */
  readonly #free: Record<ValueType, number[]> = { i32: [], f32: [], f64: [], v128: [] }
  #scopes: { type: ValueType; index: number }[][] = []

  constructor(params: readonly ValueType[], result: ValueType | null = null) {
    this.params = params
    this.result = result
  }

  param<T extends ValueType>(type: T, index: number): Local<T> {
    if (this.params[index] !== type) throw new TypeError(`FunctionBuilder.param: parameter ${index} must be ${type}, got ${this.params[index]}`)
    return localValue(type, index)
  }

  /** A fresh variable; its value is whatever was there before. */
  local<T extends ValueType>(type: T): Local<T> {
    const index = this.#free[type].pop() ?? this.params.length + this.#types.push(type) - 1
    this.#scopes.at(-1)?.push({ type, index })
    return localValue(type, index)
  }

  /** Locals made inside are reused afterwards. */
  scope<R>(body: () => R): R {
    this.#scopes.push([])
    const result = body()
    for (const { type, index } of this.#scopes.pop() ?? []) this.#free[type].push(index)
    return result
  }

  set<T extends ValueType>(local: Local<T>, value: Value<T>): void {
    this.#code.push(...value.code, 0x21, ...unsigned(local.index))
  }

  /** Computes a value once, into a new variable. */
  keep<T extends ValueType>(value: Value<T>): Local<T> {
    const local = this.local(value.type)
    this.set(local, value)
    return local
  }

  do(effect: Effect): void {
    this.#code.push(...effect.effect)
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.#code.push(...condition.code, 0x04, 0x40)
    then()
    if (otherwise !== undefined) {
      this.#code.push(0x05)
      otherwise()
    }
    this.#code.push(0x0b)
  }

  /** Runs the body at least once, and again while the condition holds after it. */
  repeat(body: () => void, condition: () => I32): void {
    this.#code.push(0x03, 0x40)
    body()
    this.#code.push(...condition().code, 0x0d, 0, 0x0b)
  }

  /** The condition's code appears twice: tested before the loop and after each turn, which is one branch a turn. */
  while(condition: () => I32, body: () => void): void {
    this.if(condition(), () => this.repeat(body, condition))
  }

  /** The function's code entry in the binary format. */
  encode(result?: Value): number[] {
    const declarations = this.#types.flatMap(type => [1, typeByte[type]])
    const body = [...unsigned(this.#types.length), ...declarations, ...this.#code, ...(result?.code ?? []), 0x0b]
    return [...unsigned(body.length), ...body]
  }
}

const localValue = <T extends ValueType>(type: T, index: number): Local<T> => ({ type, index, code: [0x20, ...unsigned(index)] })
