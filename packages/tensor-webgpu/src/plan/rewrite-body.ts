// Bodies of kernels changed in place: instructions replaced by several, or left out. Arguments, which are positions, are kept right.
import type { Instruction, LoopKernel, Result } from './kernel.js'

export type Body = Pick<LoopKernel, 'body' | 'results'>

/**
 * A body in which some instructions become several, the last of which takes their place. What they become is written knowing where the first of them
 * will stand, and where their own arguments do.
 */
export function rewriteBody({ body, results }: Body, replace: (instruction: Instruction) => ((at: number, args: readonly number[]) => Instruction[]) | null): Body {
  const written: Instruction[] = []
  const placeOf: number[] = []
  for (const instruction of body) {
    const args = 'args' in instruction ? instruction.args.map(arg => placeOf[arg]) : []
    const made = replace(instruction)
    if (made !== null) written.push(...made(written.length, args))
    else written.push('args' in instruction ? { ...instruction, args } : instruction)
    placeOf.push(written.length - 1)
  }
  return { body: written, results: results.map(result => moveResult(result, old => placeOf[old])) }
}

/** Without the instructions that no result needs. */
export function pruneBody({ body, results }: Body): Body {
  const needed = new Set(results.flatMap(({ value, shift }) => (shift === undefined ? [value] : [value, shift.by])))
  for (let i = body.length - 1; i >= 0; i--) {
    const instruction = body[i]
    if (needed.has(i) && 'args' in instruction) for (const arg of instruction.args) needed.add(arg)
  }
  const place = new Map([...needed].sort((a, b) => a - b).map((old, i) => [old, i]))
  const at = (old: number): number => place.get(old) ?? 0
  const kept = body.filter((_, i) => needed.has(i))
  return {
    body: kept.map(instruction => ('args' in instruction ? { ...instruction, args: instruction.args.map(at) } : instruction)),
    results: results.map(result => moveResult(result, at)),
  }
}

const moveResult = (result: Result, at: (old: number) => number): Result => ({ ...result, value: at(result.value), ...(result.shift === undefined ? {} : { shift: { ...result.shift, by: at(result.shift.by) } }) })
