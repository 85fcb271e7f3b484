// Which matmul family computes a kernel, by seed table: adapter family, operand layout and size. A measuring tuner would replace `chooseMatmul`.
import type { LoopKernel, MatmulKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import type { GpuProgram } from './gpu-program.js'
import { loopProgram } from './loop.js'
import { registerMatmul } from './matmul-register.js'
import { fitsSubgroup, subgroupMatmul } from './matmul-subgroup.js'
import { simplifyMatmul } from './simplify-matmul.js'

const SUBGROUP_TILE = { rows: 8, columns: 1, down: 1, depth: 2 } as const

/** A product with a single row or column is a reduction over k, which the loop kernels do better than tiles. */
function asLoop(kernel: MatmulKernel): LoopKernel {
  const rank = kernel.batch.length
  const [a, b, product] = [0, 1, 2]
  const head = 3
  const aStrides = [...kernel.a.strides.slice(0, rank), kernel.a.strides[rank], 0, kernel.a.strides[rank + 1]]
  const bStrides = [...kernel.b.strides.slice(0, rank), 0, kernel.b.strides[rank + 1], kernel.b.strides[rank]]
  // guards number the axes of an operand: (…, m, k) for a, (…, k, n) for b
  const aGuards = (kernel.a.guards ?? []).map(guard => ({ ...guard, axis: guard.axis === rank + 1 ? rank + 2 : guard.axis }))
  const bGuards = (kernel.b.guards ?? []).map(guard => ({ ...guard, axis: guard.axis === rank ? rank + 2 : guard.axis }))
  const shift = (index: number): number => index + head + 1
  return {
    kind: 'loop', bindings: kernel.bindings, shape: [...kernel.batch, kernel.m, kernel.n, kernel.k], reduced: 1,
    body: [
      { fn: 'load', access: { ...kernel.a, strides: aStrides, guards: aGuards }, dtype: 'f32' },
      { fn: 'load', access: { ...kernel.b, strides: bStrides, guards: bGuards }, dtype: 'f32' },
      { fn: 'mul', args: [a, b], dtype: 'f32' },
      { fn: 'reduce', reduce: 'sum', args: [product], dtype: 'f32' },
      ...kernel.body.map((instruction): LoopKernel['body'][number] => {
        if (instruction.fn === 'head') return { fn: 'cast', args: [head], dtype: 'f32' }
        if (instruction.fn === 'load') return { ...instruction, access: { ...instruction.access, strides: [...instruction.access.strides, 0] } }
        if (instruction.fn === 'gather') return { ...instruction, access: { ...instruction.access, strides: [...instruction.access.strides, 0] }, args: instruction.args.map(shift) }
        return 'args' in instruction ? { ...instruction, args: instruction.args.map(shift) } : instruction
      }),
    ],
    results: kernel.results.map(result => ({ value: shift(result.value), access: { ...result.access, strides: [...result.access.strides, 0] } })),
  }
}

export function matmulProgram(original: MatmulKernel, traits: GpuTraits): GpuProgram | null {
  const kernel = simplifyMatmul(original)
  const { m, n, k, batch } = kernel
  if (m * n * batch.reduce((a, b) => a * b, 1) === 0) return null
  if (m === 1 || n === 1 || k === 0) {
    const program = loopProgram(asLoop(kernel), traits)
    return program === null ? null : { ...program, variant: `matmul as ${program.variant}` }
  }
  if (traits.software && m >= 8 && n >= traits.subgroupSize * 2 && fitsSubgroup(kernel, SUBGROUP_TILE, traits.subgroupSize)) return subgroupMatmul(kernel, SUBGROUP_TILE, traits)
  const rows = m < 8 ? (m <= 2 ? 2 : 4) : 8
  return registerMatmul(kernel, { rows, columns: 1, across: 8, down: 1 }, traits)
}
