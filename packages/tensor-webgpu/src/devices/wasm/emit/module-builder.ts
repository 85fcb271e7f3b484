// Assembles functions into the bytes of a WebAssembly module that imports its memory and a few host functions.
import { FunctionBuilder } from './function-builder.js'
import { typeByte, unsigned, type Effect, type Value, type ValueType } from './value.js'

/** A function that code can call. */
export interface FunctionRef<R extends ValueType | null = ValueType | null> {
  readonly index: number
  readonly result: R
}

export interface MemoryLimits {
  readonly initial: number
  readonly maximum: number
  readonly shared: boolean
}

interface Signature {
  readonly params: readonly ValueType[]
  readonly result: ValueType | null
}

const name = (text: string): number[] => [...unsigned(text.length), ...Array.from(text, letter => letter.charCodeAt(0))]
const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()]

export const call = <R extends ValueType>(target: FunctionRef<R>, ...args: readonly Value[]): Value<R> => ({
  type: target.result,
  code: [...args.flatMap(arg => arg.code), 0x10, ...unsigned(target.index)],
})

export const callEffect = (target: FunctionRef<null>, ...args: readonly Value[]): Effect => ({
  effect: [...args.flatMap(arg => arg.code), 0x10, ...unsigned(target.index)],
})

export class ModuleBuilder {
  readonly #signatures: Signature[] = []
  readonly #imports: { readonly name: string; readonly signature: number }[] = []
  readonly #functions: { readonly signature: number; readonly code: readonly number[]; readonly exported: string | null }[] = []
  readonly #named = new Map<string, number>()

  #signature(params: readonly ValueType[], result: ValueType | null): number {
    const found = this.#signatures.findIndex(s => s.result === result && s.params.join() === params.join())
    return found >= 0 ? found : this.#signatures.push({ params, result }) - 1
  }

  /** A host function `host.<name>`; all imports come before the first function. */
  import<R extends ValueType | null>(functionName: string, params: readonly ValueType[], result: R): FunctionRef<R> {
    if (this.#functions.length > 0) throw new TypeError(`ModuleBuilder.import: must come before functions, got ${functionName} after ${this.#functions.length}`)
    return { index: this.#imports.push({ name: functionName, signature: this.#signature(params, result) }) - 1, result }
  }

  /** Adds a finished function without a result. */
  add(builder: FunctionBuilder, options: { readonly exported?: string } = {}): FunctionRef<null> {
    return { index: this.#push(builder, undefined, options.exported ?? null), result: null }
  }

  /** A function with a result, made once per module however often it is asked for. */
  define<R extends ValueType>(key: string, params: readonly ValueType[], result: R, body: (f: FunctionBuilder) => Value<R>): FunctionRef<R> {
    const known = this.#named.get(key)
    if (known !== undefined) return { index: known, result }
    const builder = new FunctionBuilder(params, result)
    const last = body(builder)
    const index = this.#push(builder, last, null)
    this.#named.set(key, index)
    return { index, result }
  }

  /** A function called for its effect, made once per module. */
  procedure(key: string, params: readonly ValueType[], body: (f: FunctionBuilder) => void): FunctionRef<null> {
    const known = this.#named.get(key)
    if (known !== undefined) return { index: known, result: null }
    const builder = new FunctionBuilder(params)
    body(builder)
    const index = this.#push(builder, undefined, null)
    this.#named.set(key, index)
    return { index, result: null }
  }

  #push(builder: FunctionBuilder, last: Value | undefined, exported: string | null): number {
    const signature = this.#signature(builder.params, builder.result)
    return this.#imports.length + this.#functions.push({ signature, code: builder.encode(last), exported }) - 1
  }

  encode(memory: MemoryLimits): Uint8Array<ArrayBuffer> {
    const types = this.#signatures.map(({ params, result }) => [
      0x60,
      ...vector(params.map(type => [typeByte[type]])),
      ...vector(result === null ? [] : [[typeByte[result]]]),
    ])
    const limits = [memory.shared ? 3 : 1, ...unsigned(memory.initial), ...unsigned(memory.maximum)]
    const imports = [
      ...this.#imports.map(entry => [...name('host'), ...name(entry.name), 0x00, ...unsigned(entry.signature)]),
      [...name('host'), ...name('memory'), 0x02, ...limits],
    ]
    const exports = this.#functions.flatMap(({ exported }, i) => (exported === null ? [] : [[...name(exported), 0x00, ...unsigned(this.#imports.length + i)]]))
    const sections: [number, number[]][] = [
      [1, vector(types)],
      [2, vector(imports)],
      [3, vector(this.#functions.map(({ signature }) => unsigned(signature)))],
      [7, vector(exports)],
      [10, vector(this.#functions.map(({ code }) => code))],
    ]
    return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flatMap(([id, bytes]) => [id, ...unsigned(bytes.length), ...bytes])])
  }
}
