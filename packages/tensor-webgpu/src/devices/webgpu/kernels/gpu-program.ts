// A kernel turned into something a GPU can run: shader text, which of the kernel's bindings it binds, and how many workgroups.

import type { Binding, Instruction, Prologue } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'

export interface GpuProgram {
  /** Which way of computing was chosen, for people and for tests: `map`, `rows`, `matmul register 4x8` … */
  readonly variant: string
  readonly wgsl: string
  /** Kernel binding behind each @binding(i). */
  readonly bindings: readonly number[]
  readonly workgroups: readonly [number, number]
}

/** Must the shader say `enable f16`? Also a value that is only rounded to a half and stored as something else needs it. */
export const usesHalves = ({ bindings, body, prologue }: { readonly bindings: readonly Binding[]; readonly body: readonly Instruction[]; readonly prologue?: Prologue }): boolean =>
  [...bindings, ...body, ...(prologue?.a ?? []), ...(prologue?.b ?? [])].some(({ dtype }) => dtype === 'f16')

/** Workgroups over two dimensions, since one holds at most `limit`; shaders number them `y · x-count + x` and ignore the surplus. */
export function foldWorkgroups(count: number, limit: number): [number, number] {
  if (count <= limit) return [count, 1]
  const rows = Math.ceil(count / limit)
  return [Math.ceil(count / rows), rows]
}

/** The text of the workgroup's number in a dispatch folded by `foldWorkgroups`. */
export const workgroupNumber = ([x, y]: readonly [number, number]): string => (y === 1 ? 'workgroup.x' : `workgroup.y * ${x}u + workgroup.x`)

/**
 * Where a loop that is zero-based starts. Software adapters write out loops of up to 32 rounds whose count they know, and then compile for
 * seconds: workgroup.z is always zero, but they cannot see that. GPUs' compilers choose well by themselves.
 */
export const loopStart = ({ software }: GpuTraits): string => (software ? 'workgroup.z' : '0u')

/** The text of a sum or product, times a number. */
export const times = (text: string, factor: number): string => (factor === 1 ? text : `${text.includes(' + ') ? `(${text})` : text} * ${factor}u`)

/** `let` statements that split a number (a name, or in parentheses) into indices of a row-major space; axes of size 1 get none. */
export function splitIndex(source: string, shape: readonly number[], names: readonly string[], indent: string): string[] {
  const lines: string[] = []
  const axes = shape.map((_, axis) => axis).filter(axis => shape[axis] > 1)
  let below = 1
  for (const axis of [...axes].reverse()) {
    const quotient = below === 1 ? source : `${source} / ${below}u`
    lines.unshift(`${indent}let ${names[axis]} = ${axis === axes[0] ? quotient : `${quotient} % ${shape[axis]}u`};`)
    below *= shape[axis]
  }
  return lines
}
