// Adding an operation from outside: its WGSL, a TypeScript fallback, and its derivative. Usable like any other, also in compiled functions.
import { DtypeError } from './errors.js'
import * as build from './graph/build.js'
import { register, type Definition } from './graph/definition.js'
import { sameDevice } from './ops/operand.js'
import { Tensor } from './tensor.js'

export interface OperationDefinition extends Definition {
  /** Gradients for the operands given the result's, null where there is none. Without it the operation has no derivative. */
  readonly gradient?: (call: { readonly inputs: readonly Tensor[]; readonly output: Tensor; readonly gradient: Tensor }) => readonly (Tensor | null)[]
}

const gradients = new Map<number, NonNullable<OperationDefinition['gradient']>>()

/** The derivative of a custom operation, for packages that differentiate. */
export const gradientOfCustom = (id: number): OperationDefinition['gradient'] => gradients.get(id)

/**
 * Makes an operation of a kernel of one's own. WebGPU needs `wgsl`; the reference and WASM need `evaluate`.
 *
 * @example
 * const hypotenuse = defineOperation({
 *   name: 'hypotenuse',
 *   result: a => a,
 *   wgsl: () => ({ element: 'out = sqrt(a(i) * a(i) + b(i) * b(i));' }),
 *   evaluate: ([a, b], out) => {
 *     for (let i = 0; i < a.data.length; i++) out[i] = Math.hypot(a.data[i], b.data[i])
 *   },
 *   gradient: ({ inputs: [a, b], output, gradient }) => [gradient.mul(a).div(output), gradient.mul(b).div(output)],
 * })
 * await hypotenuse(tensor([3, 5]), tensor([4, 12])).data()   // 5, 13
 */
export function defineOperation({ gradient, ...definition }: OperationDefinition): (...operands: readonly Tensor[]) => Tensor {
  const id = register(definition)
  if (gradient !== undefined) gradients.set(id, gradient)
  return (...operands) => {
    if (operands.length === 0) throw new DtypeError(`${definition.name}: at least one operand must be given, got none`)
    const nodes = operands.map(operand => operand.node)
    sameDevice(definition.name, nodes)
    return new Tensor(build.custom(id, definition.result(...nodes), nodes))
  }
}
