// Which matmul family computes a kernel, by seed table: adapter family, operand layout and size. A measuring tuner would replace `chooseMatmul`.
import type { LoopKernel, MatmulKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import type { GpuProgram } from './gpu-program.js'
import { loopProgram } from './loop.js'
import { registerMatmul } from './matmul-register.js'
import { fitsSubgroup, subgroupMatmul } from './matmul-subgroup.js'
import { workgroupBytes, workgroupMatmul } from './matmul-workgroup.js'
import { simplifyMatmul } from './simplify-matmul.js'

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
  return chooseMatmul(kernel, traits)(kernel, traits)
}

type Variant = (kernel: MatmulKernel, traits: GpuTraits) => GpuProgram

const subgroup = { rows: 8, columns: 1, down: 1, depth: 2 } as const
const largeTile = { rows: 4, columns: 1, across: 16, down: 16, depth: 16 } as const
const smallTile = { rows: 2, columns: 1, across: 8, down: 8, depth: 16 } as const

/** Every way to compute a matmul of at least two rows and columns that a device with these traits can run. The first that fits is a safe choice. */
export function matmulVariants(kernel: MatmulKernel, traits: GpuTraits): Variant[] {
  const { a, batch, m } = kernel
  // a transposed comes four rows to a load, so that eight rows cost as little as four do otherwise
  const rows = m < 4 ? 2 : m >= 8 && a.strides[batch.length] === 1 ? 8 : 4
  return [
    (k, t) => registerMatmul(k, { rows, columns: 1, across: 8, down: t.software ? 1 : 8 }, t),
    ...(fitsSubgroup(kernel, subgroup, traits.subgroupSize) ? [(k: MatmulKernel, t: GpuTraits) => subgroupMatmul(k, subgroup, t)] : []),
    ...[largeTile, smallTile].filter(tile => tile.across * tile.down <= traits.maxInvocations && workgroupBytes(tile) <= traits.maxWorkgroupBytes)
      .map(tile => (k: MatmulKernel, t: GpuTraits) => workgroupMatmul(k, tile, t)),
  ]
}

/** Seed table. Software adapters: subgroup broadcasts, 20-28 GFLOP/s where registers alone give 8-15 and workgroup memory 4-8. */
function chooseMatmul(kernel: MatmulKernel, traits: GpuTraits): Variant {
  const { m, n, k } = kernel
  const variants = matmulVariants(kernel, traits)
  if (traits.software) return m >= 8 && n >= 8 && fitsSubgroup(kernel, subgroup, traits.subgroupSize) ? variants[1] : variants[0]
  // mobile GPUs keep workgroup memory in main memory
  if (traits.family === 'adreno' || m < 16 || n < 16 || k < 16) return variants[0]
  return m * n >= 512 * 512 ? (k_, t) => workgroupMatmul(k_, largeTile, t) : (k_, t) => workgroupMatmul(k_, smallTile, t)
}
