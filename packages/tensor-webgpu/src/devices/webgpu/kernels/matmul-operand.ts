// An operand of a matmul that is computed as it is read: the prologue of one operand as WGSL statements. What does not change along the contraction
// is computed once before its loop, and what only changes along it once a step.
import type { Instruction } from '../../../plan/kernel.js'
import type { Site, StorageArrays } from '../wgsl/access.js'
import { emitInstructions, type BodyContext } from '../wgsl/body.js'
import type { Prelude } from '../wgsl/prelude.js'
import { convert, widen, type Value } from '../wgsl/value.js'

/** Where an element of the operand is: its place along the operand's own axis and along k, as texts. */
export interface Place {
  readonly own: string
  readonly k: string
  readonly site: Site
}

export class OperandCode {
  readonly #body: readonly Instruction[]
  readonly #arrays: StorageArrays
  readonly #prelude: Prelude
  readonly #lines: string[]
  /** Of each instruction: whether its value changes along the own axis, and along k. */
  readonly #varies: readonly { readonly own: boolean; readonly k: boolean }[]
  readonly #rows = new Map<string, (Value | undefined)[]>()
  readonly #steps = new Map<string, (Value | undefined)[]>()
  readonly #name: string
  #count = 0

  constructor(name: 'a' | 'b', body: readonly Instruction[], [ownAxis, kAxis]: readonly [number, number], context: { arrays: StorageArrays; prelude: Prelude; lines: string[] }) {
    this.#name = name
    this.#body = body
    this.#arrays = context.arrays
    this.#prelude = context.prelude
    this.#lines = context.lines
    const varies: { own: boolean; k: boolean }[] = []
    for (const instruction of body) {
      const args = 'args' in instruction ? instruction.args.map(arg => varies[arg]) : []
      const along = (axis: number): boolean => instruction.fn === 'head' || (instruction.fn === 'load' && instruction.access.strides[axis] !== 0)
      varies.push({ own: along(ownAxis) || args.some(arg => arg.own), k: along(kAxis) || args.some(arg => arg.k) })
    }
    this.#varies = varies
  }

  /** Before the loop over k: what a row (of a; a column of b) has of its own. */
  prepare({ own, site }: Place): void {
    this.#rows.set(rowKey(own, site), this.#emit(i => !this.#varies[i].k, site, [], '  '))
  }

  /** A new step along k: indices are called as before, but mean others. */
  beginStep(): void {
    this.#steps.clear()
  }

  /** The operand's element or four of them, from what was loaded. */
  value(loaded: Value, { own, k, site }: Place, indent: string): Value {
    const step = this.#steps.get(k) ?? this.#emit(i => !this.#varies[i].own, site, [], indent)
    this.#steps.set(k, step)
    const row = this.#rows.get(rowKey(own, site)) ?? []
    const known = this.#body.map((_, i) => row[i] ?? step[i])
    const head = `${this.#name}Loaded${this.#count}`
    this.#lines.push(`${indent}let ${head} = ${loaded.text};`)
    const values = this.#emit(() => true, site, known, indent, { ...loaded, text: head })
    const result = values[values.length - 1]
    if (result === undefined) throw new Error('matmul: a prologue must have a value')
    return widen(convert(result, 'f32'), loaded.width)
  }

  #emit(isWanted: (instruction: number) => boolean, site: Site, known: readonly (Value | undefined)[], indent: string, head?: Value): (Value | undefined)[] {
    const values = this.#body.map((_, i) => known[i])
    const context: BodyContext = {
      body: this.#body, arrays: this.#arrays, prelude: this.#prelude, site, indent, lines: this.#lines, suffix: `${this.#name}${this.#count++}`,
      ...(head === undefined ? {} : { head }),
    }
    emitInstructions(this.#body.map((_, i) => i).filter(isWanted), context, values)
    return values
  }
}

const rowKey = (own: string, { vectorAxis, shape }: Site): string => `${own} ${vectorAxis === null ? '' : shape.length - vectorAxis}`
