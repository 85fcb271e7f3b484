// Operations that users add: what they mean, by a number that graphs and kernels can carry as data.
import type { Dtype } from '../dtype.js'
import { TensorError } from '../errors.js'
import type { Shape } from '../shape.js'

export interface Operand {
  readonly shape: Shape
  readonly dtype: Dtype
}

/** An operation's meaning apart from its derivative. Operands are dense and row-major when a kernel sees them. */
export interface Definition {
  /** For messages, plans, and as a comment in generated code. */
  readonly name: string
  /** Shape and dtype of the result. Throws for operands that do not fit. */
  readonly result: (...operands: readonly Operand[]) => Operand
  /**
   * WGSL statements that compute one element: `i` is its position in row-major order (u32), `a(j)`, `b(j)`, `c(j)` … give the operands' elements
   * at position j, and `out` must be assigned. f16 is read and written as f32. Helper functions go into `functions`.
   */
  readonly wgsl?: (...operands: readonly Operand[]) => { readonly element: string; readonly functions?: string }
  /** The same in TypeScript, for the devices without WGSL: fills `out` from the operands' elements. */
  readonly evaluate?: (operands: readonly (Operand & { readonly data: ArrayLike<number> })[], out: { [index: number]: number }) => void
}

const definitions: Definition[] = []

export const register = (definition: Definition): number => definitions.push(definition) - 1

export function definitionOf(id: number): Definition {
  const definition = definitions[id]
  if (definition === undefined) throw new TensorError('custom', `custom operation: ${id} must have been defined, got no such definition`)
  return definition
}

/** The names of operands in WGSL: a, b, c … */
export const operandName = (i: number): string => String.fromCharCode(97 + i)

/** Runs the TypeScript form of an operation. Throws where there is none. */
export function evaluateCustom(id: number, operands: readonly (Operand & { readonly data: ArrayLike<number> })[], out: { [index: number]: number }, device: string): void {
  const { name, evaluate } = definitionOf(id)
  if (evaluate === undefined) throw new TensorError('custom', `${name}: on ${device} a custom operation must have \`evaluate\`, got WGSL only; give one, or use the webgpu device`)
  evaluate(operands, out)
}
