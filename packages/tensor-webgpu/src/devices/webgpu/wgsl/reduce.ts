// The four reductions in WGSL: what they start from, how two partial results combine, how a vec4 folds to one number.
import type { ReduceFunction } from '../../../plan/kernel.js'
import type { Prelude } from './prelude.js'
import { applyScalar } from './scalar.js'
import { literal, type Register, type Value } from './value.js'

const functionOf = { sum: 'add', prod: 'mul', max: 'max', min: 'min' } as const

/** The value of a reduction over nothing, as one number. bool is reduced as u32 0 or 1. */
export function reduceIdentity(reduce: ReduceFunction, type: Register, prelude: Prelude): string {
  if (reduce === 'sum' || reduce === 'prod') return literal(reduce === 'sum' ? 0 : 1, type === 'bool' ? 'u32' : type)
  if (type === 'f32') return prelude.special(reduce === 'max' ? -Infinity : Infinity)
  if (type === 'i32') return reduce === 'max' ? 'i32(-2147483647i - 1i)' : '2147483647i'
  return reduce === 'max' ? '0u' : type === 'bool' ? '1u' : '4294967295u'
}

export function combine(reduce: ReduceFunction, sum: string, operand: Value, prelude: Prelude): string {
  return applyScalar(functionOf[reduce], [{ text: sum, type: operand.type, width: operand.width }, operand], prelude).text
}

export function foldVector(reduce: ReduceFunction, value: Value, prelude: Prelude): string {
  const part = (lane: number): Value => ({ text: `${value.text}[${lane}]`, type: value.type, width: 1 })
  const two = (a: Value, b: Value): Value => applyScalar(functionOf[reduce], [a, b], prelude)
  return two(two(part(0), part(1)), two(part(2), part(3))).text
}
