// One row of the table: an operation applied to sample inputs, with what PyTorch calls it.
import { RandomStream, tensor, type Device, type Dtype, type Tensor } from '@abovo/tensor-webgpu'
import { dtypesOf } from './dtypes.js'

/** Numbers drawn from [low, high), whole ones for integers, 0 or 1 for bool; or the given ones. */
export interface Sample {
  readonly shape: readonly number[]
  readonly dtype: Dtype
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
  /** No kink at the sample: finite differences mean something. */
  readonly smooth: boolean
  /** Drawn numbers: PyTorch has the same shape, not the same values. */
  readonly random: boolean
  /** The element types that inputs of the first input's kind may have; others are a DtypeError. */
  readonly dtypes: readonly Dtype[]
  /** Relative and absolute tolerance of f32 devices against the reference. */
  readonly tolerance: number
}

export const float = (...shape: number[]): Sample => ({ shape, dtype: 'f32', low: -2, high: 2 })
export const positive = (...shape: number[]): Sample => ({ shape, dtype: 'f32', low: 0.2, high: 2.5 })
export const between = (low: number, high: number, ...shape: number[]): Sample => ({ shape, dtype: 'f32', low, high })
export const integer = (low: number, high: number, ...shape: number[]): Sample => ({ shape, dtype: 'i32', low, high })
export const bool = (...shape: number[]): Sample => ({ shape, dtype: 'bool', low: 0, high: 2 })
export const given = (dtype: Dtype, ...values: number[]): Sample => ({ shape: [values.length], dtype, low: 0, high: 0, values })

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

/** The inputs with those of the first one's kind converted: float samples spread out first, so that integers differ. */
export function inputsAs(operation: OperationCase, dtype: Dtype, device: Device): Tensor[] {
  const [{ dtype: kind }] = operation.inputs
  return valuesOf(operation).map((values, i) => {
    const { shape, dtype: own } = operation.inputs[i]
    if (own !== kind) return tensor(Float64Array.from(values), { shape, dtype: own, device })
    return tensor(Float64Array.from(values, value => representable(value, own, dtype)), { shape, dtype, device })
  })
}

function representable(value: number, from: Dtype, to: Dtype): number {
  if (to === 'f32' || to === 'f16') return value
  const whole = from === 'f32' ? Math.round(value * 3) : value
  return to === 'u32' ? Math.abs(whole) : whole
}

interface CaseOptions {
  differentiable?: boolean
  smooth?: boolean
  random?: boolean
  tolerance?: number
}

export const row = (name: string, torch: string, inputs: readonly Sample[], run: OperationCase['run'], { differentiable = true, smooth = differentiable, random = false, tolerance = 2e-6 }: CaseOptions = {}): OperationCase => ({
  name, torch, inputs, run, differentiable, smooth, random, tolerance, dtypes: dtypesOf(name),
})
