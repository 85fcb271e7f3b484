// One row of the table: an operation applied to sample inputs, with what PyTorch calls it.
import { RandomStream, tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'

/** Numbers drawn from [low, high), whole ones for integers, 0 or 1 for bool; or the given ones. */
export interface Sample {
  readonly shape: readonly number[]
  readonly dtype: 'f32' | 'i32' | 'bool'
  readonly low: number
  readonly high: number
  readonly values?: readonly number[]
}

export interface OperationCase {
  /** The operation's name here; several rows may share it. */
  readonly name: string
  /** A Python expression over `a`, `b`, `c`, `d` and `torch`, `F`: the same result in PyTorch. */
  readonly torch: string
  readonly inputs: readonly Sample[]
  readonly run: (...inputs: Tensor[]) => Tensor
  /** Whether gradients exist: all float inputs are differentiated. */
  readonly differentiable: boolean
  /** Relative and absolute tolerance of f32 devices against the reference. */
  readonly tolerance: number
}

export const float = (...shape: number[]): Sample => ({ shape, dtype: 'f32', low: -2, high: 2 })
export const positive = (...shape: number[]): Sample => ({ shape, dtype: 'f32', low: 0.2, high: 2.5 })
export const between = (low: number, high: number, ...shape: number[]): Sample => ({ shape, dtype: 'f32', low, high })
export const integer = (low: number, high: number, ...shape: number[]): Sample => ({ shape, dtype: 'i32', low, high })
export const bool = (...shape: number[]): Sample => ({ shape, dtype: 'bool', low: 0, high: 2 })
export const given = (dtype: Sample['dtype'], ...values: number[]): Sample => ({ shape: [values.length], dtype, low: 0, high: 0, values })

/** The numbers of each input, the same for every reader of the table. */
export function valuesOf(operation: OperationCase): number[][] {
  const random = new RandomStream(1 + hash(operation.name + operation.torch))
  return operation.inputs.map(({ shape, dtype, low, high, values }) => {
    if (values !== undefined) return [...values]
    const draw = (): number => low + (high - low) * random.uniform()
    return Array.from({ length: shape.reduce((product, n) => product * n, 1) }, () => (dtype === 'f32' ? Number(draw().toFixed(4)) : Math.floor(draw())))
  })
}

export function inputsOf(operation: OperationCase, device: Device): Tensor[] {
  return valuesOf(operation).map((values, i) => {
    const { shape, dtype } = operation.inputs[i]
    return tensor(Float64Array.from(values), { shape, dtype, device })
  })
}

/** FNV-1a: a seed from a name. */
function hash(text: string): number {
  let state = 2166136261
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 16777619)
  return state >>> 8
}

interface CaseOptions {
  differentiable?: boolean
  tolerance?: number
}

export const row = (name: string, torch: string, inputs: readonly Sample[], run: OperationCase['run'], { differentiable = true, tolerance = 2e-6 }: CaseOptions = {}): OperationCase => ({ name, torch, inputs, run, differentiable, tolerance })
