// Operands that a matmul computes as it reads them, as bodies over the operand's own axes.
import type { DraftInstruction, Touch } from './draft.js'
import type { Locations } from './locate.js'
import type { Memory } from './memory.js'
import { seenThrough, still } from './prologue.js'
import type { Value } from './value.js'
import type { Walk } from './view.js'

/** An operand in a matmul's axes, as loaded, and what is done to it then. */
export interface OperandDraft {
  readonly touch: Touch
  /** Over the touch's shape; empty where the operand is taken as it is. */
  readonly body: readonly DraftInstruction[]
}

/** The operand of a matmul over a shape of as many axes as the product has, the last two its own. */
export function draftOperand(operand: Value, shape: readonly number[], locations: Locations, memory: Memory): OperandDraft {
  const { base, walk } = locations.of(operand)
  const spread = ({ strides, ...rest }: Walk): Walk => ({ ...rest, strides: [...new Array<number>(shape.length - strides.length).fill(0), ...strides].map((stride, d) => (shape[d] === 1 ? 0 : stride)) })
  const touchOf = (of: Value, at: Walk): Touch => ({ ...memory.locate(of, spread(at)), shape, written: false })
  if (!memory.computedAgain.has(base)) return { touch: touchOf(base, walk), body: [] }
  const builder = new OperandBuilder(operand, base, locations, memory, touchOf)
  builder.compute(base)
  return builder.finish()
}

class OperandBuilder {
  readonly #operand: Value
  readonly #value: Value
  readonly #locations: Locations
  readonly #memory: Memory
  readonly #touchOf: (base: Value, walk: Walk) => Touch
  readonly #body: DraftInstruction[] = []
  readonly #known = new Map<string, number>()

  constructor(operand: Value, value: Value, locations: Locations, memory: Memory, touchOf: (base: Value, walk: Walk) => Touch) {
    this.#operand = operand
    this.#value = value
    this.#locations = locations
    this.#memory = memory
    this.#touchOf = touchOf
  }

  #push(instruction: DraftInstruction, key: string): number {
    const at = this.#known.get(key) ?? this.#body.push(instruction) - 1
    this.#known.set(key, at)
    return at
  }

  compute(value: Value): number {
    const key = `value ${value.id}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const args = value.inputs.map(input => this.#input(input))
    const { operation, dtype } = value
    if (operation.kind === 'cast') return this.#push({ fn: 'cast', args, dtype }, key)
    if (operation.kind === 'elementwise') return this.#push({ fn: operation.fn, args, dtype }, key)
    throw new Error(`plan: ${operation.kind} cannot be computed as an operand is read`)
  }

  #input(input: Value): number {
    const { base, walk } = this.#locations.of(input)
    if (base.operation.kind === 'constant' && base.external === null && !this.#locations.copied.has(base)) return this.#push({ fn: 'constant', value: base.operation.value, dtype: base.dtype }, `constant ${base.id}`)
    if (this.#memory.computedAgain.has(base)) return this.compute(base)
    const seen = seenThrough(this.#operand, this.#value, still(walk, input.shape))
    if (seen === null) throw new Error('plan: an operand that strides cannot say must have been stored')
    const touch = this.#touchOf(base, seen)
    return this.#push({ fn: 'load', touch, dtype: base.dtype }, `load ${touch.slot} ${JSON.stringify(touch.walk)}`)
  }

  /** The first load that changes along both axes becomes what the matmul itself loads. */
  finish(): OperandDraft {
    const loads = this.#body.flatMap((instruction, i) => (instruction.fn === 'load' ? [{ touch: instruction.touch, i }] : []))
    const main = loads.find(({ touch }) => touch.walk.strides.slice(-2).every(stride => stride !== 0)) ?? loads[0]
    return { touch: main.touch, body: this.#body.map((instruction, i) => (i === main.i ? { fn: 'head', dtype: 'f32' } : instruction)) }
  }
}
