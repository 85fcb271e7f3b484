// What a model is made of: its parameters with shapes and sizes, and sums of any part of it.
import type { Shape } from '@abovo/tensor-webgpu'
import type { Module } from '../module.js'

export interface ParameterRow {
  readonly name: string
  readonly shape: Shape
  readonly size: number
}

/**
 * One row a parameter, in the model's order.
 *
 * @example
 * parameterTable(model)[0]   // { name: 'transformer.wte.weight', shape: [512, 128], size: 65536 }
 */
export const parameterTable = (model: Module): ParameterRow[] => model.namedParameters().map(([name, { shape, size }]) => ({ name, shape, size }))

/**
 * Sizes summed by the beginning of the name, to `depth` parts; numbered layers count as one part with their list.
 *
 * @example
 * parameterSums(model, { depth: 2 })   // Map { 'transformer.wte' => 65536, 'transformer.h.0' => 198272, … }
 */
export function parameterSums(model: Module, { depth = 2 }: { depth?: number } = {}): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { name, size } of parameterTable(model)) {
    const parts = name.replace(/\.(\d+)\./g, '#$1.').split('.')
    const key = parts.slice(0, depth).join('.').replace('#', '.')
    sums.set(key, (sums.get(key) ?? 0) + size)
  }
  return sums
}
